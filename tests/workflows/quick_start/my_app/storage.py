"""A user's own storage."""

import hashlib
import shutil
from pathlib import Path


class LocalFileStorage:
    def __init__(self, base_dir: str):
        self.base_dir = Path(base_dir)
        self.base_dir.mkdir(parents=True, exist_ok=True)

    def create_job_directory(self, job_id: str) -> Path:
        self.get_input_path(job_id).mkdir(parents=True, exist_ok=True)
        self.get_output_path(job_id).mkdir(parents=True, exist_ok=True)
        return self.base_dir / "jobs" / job_id

    def get_input_path(self, job_id: str) -> Path:
        return self.base_dir / "jobs" / job_id / "input"

    def get_output_path(self, job_id: str) -> Path:
        return self.base_dir / "jobs" / job_id / "output"

    async def save_input_file(self, job_id: str, filename: str, file) -> dict:
        path = self.get_input_path(job_id) / filename
        content = await file.read()
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return {"filename": filename, "path": str(path), "size": len(content), "hash": digest}

    def cleanup_job(self, job_id: str) -> bool:
        folder = self.base_dir / "jobs" / job_id
        if not folder.exists():
            return False
        shutil.rmtree(folder)
        return True
