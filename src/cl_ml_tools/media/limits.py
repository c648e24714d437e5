"""How much a picture may take, and how it is refused when it would be more."""

from cl_ml_tools.compute_module import TaskError, UnsupportedMediaTypeError

MILLION = 1_000_000
MAX_PIXELS = 256 * MILLION
# Of all pages of a document together; they are in memory one after the other.
MAX_PAGE_PIXELS = 4_096 * MILLION
MAX_PAGES = 10_000


class NotAPictureError(UnsupportedMediaTypeError):
    """The file is not an image that Pillow can read."""


class TooManyPixelsError(TaskError):
    """The picture would be too large in memory, however small its file is."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is too large: more than {MAX_PIXELS // MILLION} million pixels")
