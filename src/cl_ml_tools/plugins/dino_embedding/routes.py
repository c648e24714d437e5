"""The submit route of the DINOv2 task."""

from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.media import intake
from cl_ml_tools.plugins.dino_embedding.schema import DinoEmbeddingParams
from cl_ml_tools.submit import SubmitRoute

create_router = SubmitRoute(
    "dino_embedding",
    DinoEmbeddingParams,
    EmbeddingOutput,
    summary="Make the DINOv2 vector of an image",
    file="The image.",
    check=intake.picture,
    output_name=lambda _, __: "dino_embedding.npy",
).router
