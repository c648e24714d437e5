"""Converts images."""

from pathlib import Path
from typing import TYPE_CHECKING

from cl_ml_tools.artifact import job_path
from cl_ml_tools.compute_module import BlockingModule, ProgressCallback, Submit, TaskError
from cl_ml_tools.media import colour, heif, intake, metadata, raw
from cl_ml_tools.media.appearance import upright
from cl_ml_tools.media.picture import open_picture, warm
from cl_ml_tools.media.targets import TARGETS, fit
from cl_ml_tools.media.wide import whole as all_bits
from cl_ml_tools.media.writing import only_of_pixels, save_frames, save_picture, save_wide, save_wide_pages
from cl_ml_tools.plugins.image_conversion.schema import ImageConversionOutput, ImageConversionParams

if TYPE_CHECKING:
    from PIL import Image

    from cl_ml_tools.media.frames import Frames


class ImageConversionTask(BlockingModule[ImageConversionParams]):
    """An image, upright, in another format: all frames or pages where that format has them, else the first."""

    task_type = "image_conversion"
    schema = ImageConversionParams
    output_schema = ImageConversionOutput
    submit = Submit("Convert an image", file="The image to convert.", check=intake.picture)

    def output_name(self, stem: str, params: ImageConversionParams) -> str:
        return f"{stem}.{params.format}"

    def setup(self) -> None:
        warm()

    def process(self, params: ImageConversionParams, progress: ProgressCallback) -> ImageConversionOutput:
        # It imports Pillow, and a server that only has the routes must not need that.
        from cl_ml_tools.media.frames import frame_count, page_count
        from cl_ml_tools.media.frames import wide_pages as every_page

        path, target, name = Path(params.input_paths[0]), Path(params.output_paths[0]), params.name_of()
        with open_picture(path, name) as opened:
            _refuse_small_preview(opened, name)
            # Read before anything is written: a damaged image is told from one that a format cannot hold.
            opened.load()
            pages, source_frames, collection = page_count(opened), frame_count(opened), opened.format == heif.FORMAT
            carried, preview = metadata.read(opened), raw.raw_size(opened) is not None
            progress(50)
            several = _several(opened, path, params, pages=pages, frames=source_frames)
            if several is None:
                picture = upright(opened)
                wide = all_bits(opened, path, name) if TARGETS[params.format].wide and source_frames == 1 else None
                if wide is None:
                    notes = save_picture(picture, target, params.format, params.quality, name=name, metadata=carried)
                else:
                    notes = save_wide(wide, target, params.format, name=name, metadata=carried)
            elif pages > 1 and (wide_pages := every_page(opened, path, name)) is not None:
                picture = several.picture
                notes = save_wide_pages(wide_pages, target, carried)
            else:
                picture = several.picture
                profile = colour.profile(opened) if TARGETS[params.format].moves else None
                notes = save_frames(
                    several, target, params.format, params.quality, name=name, profile=profile, metadata=carried
                )
        written = 1 if several is None else _written(target)
        return ImageConversionOutput(
            output_path=job_path(target),
            format=params.format,
            width=picture.width,
            height=picture.height,
            size=target.stat().st_size,
            frames=written if source_frames > 1 else 1,
            pages=pages,
            pages_written=written if pages > 1 else 1,
            preview=preview,
            notes=[*_left_out(pages, source_frames, written, params.format, collection=collection), *notes],
        )


def _several(
    opened: "Image.Image", path: Path, params: ImageConversionParams, *, pages: int, frames: int
) -> "Frames | None":
    """Every frame or page, where the format has them; `None` where one picture is all that is written."""
    from cl_ml_tools.media import frames as several

    target = TARGETS[params.format]

    def fitted(picture: "Image.Image") -> "Image.Image":
        made, profile = fit(picture, target)
        kept = made.copy() if made is picture else made
        kept.info = only_of_pixels(made)
        if profile is not None:
            kept.info["icc_profile"] = profile
        return kept

    if target.moves and frames > 1:
        return several.animation(opened, path, params.format, fitted, params.name_of())
    if target.pages and pages > 1:
        return several.pages(opened, fitted, params.name_of())
    return None


def _refuse_small_preview(opened: "Image.Image", name: str) -> None:
    size = raw.raw_size(opened)
    if size is not None and not raw.is_full(opened.size, size):
        seen, wanted = (" × ".join(map(str, each)) for each in (opened.size, size))
        raise TaskError(
            f"{name} is a raw picture of {wanted} pixels, of which it has a preview of {seen} only; "
            "develop it with a raw converter first"
        )


def _written(path: Path) -> int:
    """How many frames or pages are in the file: a writer may join those that are the same."""
    from PIL import Image

    with Image.open(path) as made:
        return int(getattr(made, "n_frames", 1))


def _left_out(pages: int, frames: int, written: int, format: str, *, collection: bool) -> list[str]:
    if pages > written and collection:
        return [f"the primary one of {pages} pictures"]
    if pages > written:
        return [f"page 1 of {pages}: {format} holds one"]
    if frames > 1 and written == 1:
        return [f"frame 1 of {frames}"]
    return []
