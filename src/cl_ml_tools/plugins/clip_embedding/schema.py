"""Parameters of the CLIP task; its output is an `EmbeddingOutput`."""

from typing import Literal

from pydantic import Field

from cl_ml_tools.schemas import BaseJobParams


class ClipEmbeddingParams(BaseJobParams):
    """Make the CLIP vector of an image. Needs a model file on the server."""

    normalize: bool = Field(default=True, description="Scale the vector to length 1.")
    profile: Literal["mobileclip", "clip"] = Field(
        default="mobileclip",
        description="How the image is prepared: for MobileCLIP, or stretched and normalized for CLIP.",
    )
