"""Parameters of the CLIP task; its output is an `EmbeddingOutput`."""

from typing import Literal

from pydantic import Field

from cl_ml_tools.schemas import BaseJobParams


class ClipEmbeddingParams(BaseJobParams):
    """Make the CLIP vector of an image, with the model file that the server has."""

    normalize: bool = Field(default=True, description="Scale the vector to length 1.")
    profile: Literal["mobileclip", "clip"] = Field(
        default="mobileclip",
        description="How the image is prepared: as MobileCLIP was trained, or squashed and normalised as for CLIP.",
    )
