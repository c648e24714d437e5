"""Parameters of the DINOv2 task; its output is an `EmbeddingOutput`."""

from pydantic import Field

from cl_ml_tools.schemas import BaseJobParams


class DinoEmbeddingParams(BaseJobParams):
    """Make the DINOv2 vector of an image. Needs a model file on the server."""

    normalize: bool = Field(default=True, description="Scale the vector to length 1.")
