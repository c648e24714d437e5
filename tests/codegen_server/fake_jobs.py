"""Jobs of the fakes of job APIs: one goes on each time that it is asked for, and one that is told to fail fails."""

from attrs import define
from fastapi import HTTPException
from pydantic import BaseModel


@define
class FakeJob:
    id: str
    fails: bool
    asked: int = 0
    is_stopped: bool = False

    def word(self, *words: str) -> str:
        """Of the words for waiting, under way, done, failed and stopped, the one for how it stands."""
        return words[4 if self.is_stopped else self.asked if self.asked < 2 else 3 if self.fails else 2]


class FakeJobs(dict[str, FakeJob]):
    def post(self, *, fails: bool = False) -> FakeJob:
        job = FakeJob(f"j{len(self)}", fails)
        self[job.id] = job
        return job

    def ask(self, job_id: str) -> FakeJob:
        job = self.find(job_id)
        job.asked += 1
        return job

    def find(self, job_id: str) -> FakeJob:
        if job_id not in self:
            raise HTTPException(404, "no such job")
        return self[job_id]

    def stop(self, job_id: str) -> FakeJob:
        self.find(job_id).is_stopped = True
        return self[job_id]


class Picture(BaseModel):
    url: str
    width: int


class Failure(BaseModel):
    code: int
    message: str
