"""See `cl_ml_tools.compute_module`."""

from cl_ml_tools.compute_module import ComputeModule, ProgressCallback, TaskError, TaskResult

__all__ = ["ComputeModule", "ProgressCallback", "TaskError", "TaskResult"]
