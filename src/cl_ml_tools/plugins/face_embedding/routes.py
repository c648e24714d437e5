"""The submit route of the face embedding task."""

from cl_ml_tools.media import intake
from cl_ml_tools.plugins.face_embedding.schema import FaceEmbeddingOutput, FaceEmbeddingParams
from cl_ml_tools.submit import SubmitRoute

create_router = SubmitRoute(
    "face_embedding",
    FaceEmbeddingParams,
    FaceEmbeddingOutput,
    summary="Make the vectors of the faces in an image",
    file="The image.",
    check=intake.picture,
    output_name=lambda _, __: "face_embedding.npy",
).router
