"""The route of the watermark, written by hand."""

from typing import Callable  # noqa: UP035 - as people write it
from uuid import uuid4

from fastapi import APIRouter, Depends, File, Form, UploadFile

from cl_ml_tools.common.file_storage import FileStorage
from cl_ml_tools.common.job_repository import JobRepository
from cl_ml_tools.common.schemas import Job


def create_router(repository: JobRepository, file_storage: FileStorage, get_current_user: Callable) -> APIRouter:
    router = APIRouter()

    @router.post("/jobs/watermark")
    async def create_watermark_job(
        file: UploadFile = File(...),  # noqa: B008
        watermark_text: str = Form(...),
        position: str = Form("bottom-right"),
        opacity: float = Form(0.5),
        priority: int = Form(5),
        user=Depends(get_current_user),  # noqa: B008
    ):
        job_id = str(uuid4())
        file_storage.create_job_directory(job_id)
        saved = await file_storage.save_input_file(job_id, file.filename, file)
        target = str(file_storage.get_output_path(job_id) / f"watermarked_{file.filename}")
        job = Job(
            job_id=job_id,
            task_type="watermark",
            params={
                "input_paths": [saved["path"]],
                "output_paths": [target],
                "watermark_text": watermark_text,
                "position": position,
                "opacity": opacity,
            },
        )
        repository.add_job(job, created_by=user.id if user else None, priority=priority)
        return {"job_id": job_id, "status": "queued"}

    return router
