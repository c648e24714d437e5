"""The submit route of the image conversion task."""

from cl_ml_tools.media import intake
from cl_ml_tools.plugins.image_conversion.schema import ImageConversionOutput, ImageConversionParams
from cl_ml_tools.submit import SubmitRoute

create_router = SubmitRoute(
    "image_conversion",
    ImageConversionParams,
    ImageConversionOutput,
    summary="Convert an image",
    file="The image to convert.",
    check=intake.picture,
    output_name=lambda stem, params: f"{stem}.{params.format}",
).router
