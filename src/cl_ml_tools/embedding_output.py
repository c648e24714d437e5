"""What a task says of a vector that it made."""

from pydantic import BaseModel, Field


class EmbeddingOutput(BaseModel):
    """The vector of an image, and how it was made."""

    embedding: list[float]
    embedding_dim: int = Field(description="The number of dimensions.")
    embedding_path: str = Field(description="Path in the job of the vector as `.npy` (float32).")
    normalized: bool = Field(description="Whether its length is 1.")
    profile: str = Field(description="How the image was prepared.")
    model_sha256: str = Field(description="SHA-256 of the model file. Compare only vectors of the same model.")
