"""See `cl_ml_tools.schemas`."""

from cl_ml_tools.schemas import BaseJobParams, Job, JobStatus

__all__ = ["BaseJobParams", "Job", "JobStatus"]
