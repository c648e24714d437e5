"""What a watermark takes."""

from cl_ml_tools.common.schemas import BaseJobParams


class WatermarkParams(BaseJobParams):
    watermark_text: str
    position: str = "bottom-right"
    opacity: float = 0.5
