"""Makes thumbnails."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cl_ml_tools.artifact import job_path
from cl_ml_tools.compute_module import BlockingModule, ProgressCallback, Submit, TaskError
from cl_ml_tools.media import intake, raw
from cl_ml_tools.media.appearance import is_turned, orientation, resizable, upright
from cl_ml_tools.media.black import leave_black
from cl_ml_tools.media.limits import NotAPictureError
from cl_ml_tools.media.media_type import media_type
from cl_ml_tools.media.picture import open_picture, warm
from cl_ml_tools.media.transparency import is_transparent
from cl_ml_tools.media.video import NotAVideoError, grab
from cl_ml_tools.media.writing import save_picture
from cl_ml_tools.plugins.media_thumbnail.schema import MediaThumbnailOutput, MediaThumbnailParams
from cl_ml_tools.requirement import install_command, missing_library

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_SIDE = 256
QUALITY = 85


class MediaThumbnailTask(BlockingModule[MediaThumbnailParams]):
    """A small, upright picture of an image, or of a frame of a video."""

    task_type = "media_thumbnail"
    schema = MediaThumbnailParams
    output_schema = MediaThumbnailOutput
    submit = Submit("Make a thumbnail", file="The image or video.", check=intake.picture_or_film)

    def output_name(self, stem: str, params: MediaThumbnailParams) -> str:
        return f"{stem}_thumbnail.jpg"

    def setup(self) -> None:
        warm()

    def process(self, params: MediaThumbnailParams, progress: ProgressCallback) -> MediaThumbnailOutput:
        target = Path(params.output_paths[0])
        source = Path(params.input_paths[0])
        with open_media(source, params.name_of()) as (opened, kind):
            picture = shrink(opened, params)
            progress(75)
            extension = "png" if is_transparent(picture) else "jpg"
            target = target.with_suffix(f".{extension}")
            preview = raw.raw_size(opened) is not None
            save_picture(picture, target, extension, QUALITY, name=params.name_of())
        return MediaThumbnailOutput(
            thumbnail_path=job_path(target),
            width=picture.width,
            height=picture.height,
            media_type=kind,
            preview=preview,
        )


@contextmanager
def open_media(path: Path, name: str) -> "Generator[tuple[Image.Image, Literal['image', 'video']]]":
    """Open an image, or a frame of a video; what the file is called does not matter."""
    with ExitStack() as stack:
        try:
            picture = stack.enter_context(open_picture(path, name))
        except NotAPictureError as error:
            frame = video_frame(path, name, error)
        else:
            leave_black(picture)
            yield picture, "image"
            return
        yield frame, "video"


def video_frame(path: Path, name: str, no_picture: NotAPictureError) -> "Image.Image":
    """A frame of a video; raises what was said of the file before if it is none."""
    if missing_library("media_thumbnail", "av") is not None:
        if media_type(path).startswith("video/"):
            raise TaskError(f"{name} is a video, which this server cannot read: {install_command('av')}")
        raise no_picture
    try:
        return grab(path, name)
    except NotAVideoError as error:
        if media_type(path).startswith(("video/", "audio/")):
            raise
        raise no_picture from error


def shrink(picture: "Image.Image", params: MediaThumbnailParams) -> "Image.Image":
    """The picture at the size that was asked for, upright."""
    from PIL import Image

    turned = is_turned(picture)
    width, height = (picture.height, picture.width) if turned else picture.size
    box = (params.width, params.height)
    if box == (None, None):
        box = (DEFAULT_SIDE, DEFAULT_SIDE)
    # A side that was left out follows the other, so it sets no bound.
    bounds = (box[0] or width * 8192, box[1] or height * 8192)
    stored = (bounds[1], bounds[0]) if turned else bounds
    how = orientation(picture)
    if params.maintain_aspect_ratio or None in box:
        # Before any pixel is read, a JPEG can be decoded at a fraction of its size.
        picture.draft(None, (min(stored[0], picture.width) * 2, min(stored[1], picture.height) * 2))
        # Here, and not while something is written: damage is the picture's fault.
        picture.load()
        flat = resizable(picture)
        # Never in place: a HEIF of several pictures would be decoded again, at its own size.
        small = flat.copy() if flat is picture and picture.format == "HEIF" else flat
        small.thumbnail(stored, Image.Resampling.BICUBIC, reducing_gap=2.0)
    else:
        small = resizable(picture).resize(stored, Image.Resampling.BICUBIC, reducing_gap=2.0)
    # Colours are converted when it is written, for then there are few of them.
    return upright(small, how)
