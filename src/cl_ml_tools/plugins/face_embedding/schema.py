"""Parameters and output of the face embedding task."""

from pydantic import BaseModel, Field

from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.face import Face
from cl_ml_tools.schemas import BaseJobParams


class FaceEmbeddingParams(BaseJobParams):
    """Make the vectors of the faces in an image, with the ArcFace model file that the server has."""

    normalize: bool = Field(default=True, description="Scale each vector to length 1.")


class EmbeddedFace(BaseModel):
    """A face and its vector."""

    face: Face | None = Field(description="Where it is; `null` where none was found, and the whole image was taken.")
    embedding: list[float]


class FaceEmbeddingOutput(EmbeddingOutput):
    """The vectors of the faces of an image, the surest face first. `embedding` is that of the first one."""

    faces: list[EmbeddedFace] = Field(description="At least one: an image without a face is taken for one.")
    num_faces: int = Field(description="How many were found.")
