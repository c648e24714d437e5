"""The submit route of the HLS task."""

from cl_ml_tools.media import intake
from cl_ml_tools.plugins.hls_streaming.schema import HlsStreamingOutput, HlsStreamingParams
from cl_ml_tools.submit import SubmitRoute

create_router = SubmitRoute(
    "hls_streaming",
    HlsStreamingParams,
    HlsStreamingOutput,
    summary="Make an HTTP live stream",
    file="The video to stream.",
    check=intake.film,
    output_name=lambda stem, _: f"{stem}.m3u8",
).router
