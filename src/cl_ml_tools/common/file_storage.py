"""See `cl_ml_tools.file_storage`."""

from cl_ml_tools.file_storage import FileStorage, SavedFile

__all__ = ["FileStorage", "SavedFile"]
