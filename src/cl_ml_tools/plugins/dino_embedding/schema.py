"""Parameters of the DINOv2 task; its output is an `EmbeddingOutput`."""

from pydantic import Field

from cl_ml_tools.schemas import BaseJobParams


class DinoEmbeddingParams(BaseJobParams):
    """Make the DINOv2 vector of an image, with the model file that the server has."""

    normalize: bool = Field(default=True, description="Scale the vector to length 1.")
