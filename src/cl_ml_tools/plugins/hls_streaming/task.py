"""Makes HTTP live streams."""

import shutil
from pathlib import Path

from cl_ml_tools.compute_module import BlockingModule, ProgressCallback, Submit
from cl_ml_tools.media import intake
from cl_ml_tools.media.video import open_video
from cl_ml_tools.plugins.hls_streaming.encoding import Encoding
from cl_ml_tools.plugins.hls_streaming.master import publish
from cl_ml_tools.plugins.hls_streaming.pulldown import pulldown
from cl_ml_tools.plugins.hls_streaming.schema import HlsStreamingOutput, HlsStreamingParams
from cl_ml_tools.plugins.hls_streaming.variants import plan
from cl_ml_tools.requirement import missing_library


class HlsStreamingTask(BlockingModule[HlsStreamingParams]):
    """A video, decoded once and encoded for each variant."""

    task_type = "hls_streaming"
    schema = HlsStreamingParams
    output_schema = HlsStreamingOutput
    submit = Submit("Make an HTTP live stream", file="The video to stream.", check=intake.film)

    def output_name(self, stem: str, params: HlsStreamingParams) -> str:
        return f"{stem}.m3u8"

    def missing(self) -> str | None:
        return missing_library(self.task_type, "av")

    def process(self, params: HlsStreamingParams, progress: ProgressCallback) -> HlsStreamingOutput:
        source, name, master = Path(params.input_paths[0]), params.name_of(), Path(params.output_paths[0])
        part = master.parent / ".part"
        part.mkdir()
        try:
            order = pulldown(source, name)
            with open_video(source, name) as (container, stream):
                made = Encoding(container, stream, name, part, master.stem)
                made.encode(lambda seen: plan(seen, params, stream.bit_rate or 0), progress, order)
                output = publish(made, part, master)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return output
