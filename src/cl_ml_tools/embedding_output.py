"""What a task says of a vector that it made."""

from pydantic import BaseModel, Field


class EmbeddingOutput(BaseModel):
    """A vector of an image, and what made it."""

    embedding: list[float]
    embedding_dim: int = Field(description="How many numbers.")
    embedding_path: str = Field(description="The same as `.npy` (float32), to be downloaded; relative to the job.")
    normalized: bool = Field(description="Whether its length is 1.")
    profile: str = Field(description="How the image was prepared.")
    model_sha256: str = Field(description="Of the model file: vectors of different models cannot be compared.")
