"""The submit route of the EXIF task."""

from cl_ml_tools.media import intake
from cl_ml_tools.plugins.exif.schema import ExifOutput, ExifParams
from cl_ml_tools.submit import SubmitRoute

create_router = SubmitRoute(
    "exif",
    ExifParams,
    ExifOutput,
    summary="Read the EXIF of an image",
    file="The image to read.",
    check=intake.picture_with_tags,
).router
