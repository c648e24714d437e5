"""The submit route of the CLIP task."""

from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.media import intake
from cl_ml_tools.plugins.clip_embedding.schema import ClipEmbeddingParams
from cl_ml_tools.submit import SubmitRoute

create_router = SubmitRoute(
    "clip_embedding",
    ClipEmbeddingParams,
    EmbeddingOutput,
    summary="Make the CLIP vector of an image",
    file="The image.",
    check=intake.picture,
    output_name=lambda _, __: "clip_embedding.npy",
).router
