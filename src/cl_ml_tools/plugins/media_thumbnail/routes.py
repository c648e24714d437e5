"""The submit route of the thumbnail task."""

from cl_ml_tools.media import intake
from cl_ml_tools.plugins.media_thumbnail.schema import MediaThumbnailOutput, MediaThumbnailParams
from cl_ml_tools.submit import SubmitRoute

create_router = SubmitRoute(
    "media_thumbnail",
    MediaThumbnailParams,
    MediaThumbnailOutput,
    summary="Make a thumbnail",
    file="The image or video.",
    check=intake.picture_or_film,
    output_name=lambda stem, _: f"{stem}_thumbnail.jpg",
).router
