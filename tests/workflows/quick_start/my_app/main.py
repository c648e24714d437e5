"""The user's API server."""

from fastapi import FastAPI, HTTPException

from cl_ml_tools.master import create_master_router
from my_app.repository import SQLiteJobRepository
from my_app.storage import LocalFileStorage


def create(folder: str) -> FastAPI:
    app = FastAPI(title="ML Tools")
    repository = SQLiteJobRepository(f"{folder}/jobs.db")
    app.state.repository = repository
    file_storage = LocalFileStorage(f"{folder}/media_storage")

    async def get_current_user():
        return None

    app.include_router(create_master_router(repository, file_storage, get_current_user), prefix="/api")

    @app.get("/api/jobs/{job_id}")
    async def get_job_status(job_id: str):
        job = repository.get_job(job_id)
        if not job:
            raise HTTPException(404, "Job not found")
        return job.model_dump()

    return app
