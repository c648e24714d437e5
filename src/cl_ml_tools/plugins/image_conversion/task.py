"""Converts images."""

from pathlib import Path

from cl_ml_tools.artifact import job_path
from cl_ml_tools.compute_module import BlockingModule, ProgressCallback
from cl_ml_tools.media.animation import animation_options, frame_count
from cl_ml_tools.media.picture import TARGETS, open_picture, save_picture, upright, warm
from cl_ml_tools.plugins.image_conversion.schema import ImageConversionOutput, ImageConversionParams


class ImageConversionTask(BlockingModule[ImageConversionParams]):
    """An image, upright, in another format: all frames where that format can move, else the first."""

    @property
    def task_type(self) -> str:
        return "image_conversion"

    def get_schema(self) -> type[ImageConversionParams]:
        return ImageConversionParams

    def get_output_schema(self) -> type[ImageConversionOutput]:
        return ImageConversionOutput

    def setup(self) -> None:
        warm()

    def process(self, params: ImageConversionParams, progress: ProgressCallback) -> ImageConversionOutput:
        target = Path(params.output_paths[0])
        with open_picture(Path(params.input_paths[0]), params.name_of()) as opened:
            # Read before anything is written: a damaged image is told from one that a format cannot hold.
            opened.load()
            picture, frames = upright(opened), None
            # A picture that had to be turned is a copy of its first frame.
            if picture is opened and TARGETS[params.format].moves and frame_count(opened) > 1:
                frames = animation_options(opened, params.format, params.name_of())
            progress(50)
            save_picture(picture, target, params.format, params.quality, name=params.name_of(), frames=frames)
        return ImageConversionOutput(
            output_path=job_path(target),
            format=params.format,
            width=picture.width,
            height=picture.height,
            frames=1 if frames is None else frame_count(picture),
            size=target.stat().st_size,
        )
