"""See `cl_ml_tools.job_repository`."""

from cl_ml_tools.job_repository import JobRepository

__all__ = ["JobRepository"]
