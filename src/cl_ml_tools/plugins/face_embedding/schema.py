"""Parameters and output of the face embedding task."""

from pydantic import BaseModel, Field

from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.face import Face
from cl_ml_tools.schemas import BaseJobParams


class FaceEmbeddingParams(BaseJobParams):
    """Make the vectors of the faces in an image. Needs an ArcFace model file on the server."""

    normalize: bool = Field(default=True, description="Scale each vector to length 1.")


class EmbeddedFace(BaseModel):
    """A face and its vector."""

    face: Face | None = Field(
        description="The position of the face. `null` if no face was found and the whole image was used."
    )
    embedding: list[float]


class FaceEmbeddingOutput(EmbeddingOutput):
    """The vectors of the faces, with the highest confidence first. `embedding` is the first one."""

    faces: list[EmbeddedFace] = Field(description="At least one. An image without a face counts as one.")
    num_faces: int = Field(description="The number of faces that were found.")
