"""Writes a text on pictures."""

from cl_ml_tools.common.compute_module import ComputeModule
from cl_ml_tools.common.schemas import Job
from watermark_plugin.schema import WatermarkParams


class WatermarkTask(ComputeModule):
    @property
    def task_type(self) -> str:
        return "watermark"

    def get_schema(self):
        return WatermarkParams

    async def execute(self, job: Job, params: WatermarkParams, progress_callback=None):
        from PIL import Image, ImageDraw

        try:
            pairs = list(zip(params.input_paths, params.output_paths, strict=True))
            for number, (source, target) in enumerate(pairs, 1):
                with Image.open(source) as picture:
                    ImageDraw.Draw(picture).text((10, 10), params.watermark_text, fill=(255, 255, 255, 128))
                    picture.save(target)
                if progress_callback:
                    progress_callback(int(number / len(pairs) * 100))
            return {"status": "ok", "task_output": {"processed_files": params.output_paths}}
        except Exception as error:
            return {"status": "error", "error": str(error)}
