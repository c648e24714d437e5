"""Makes CLIP vectors."""

from cl_ml_tools.compute_module import ProgressCallback, Submit
from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.image_embedding import ImageEmbedding
from cl_ml_tools.media import intake
from cl_ml_tools.models import CLIP
from cl_ml_tools.plugins.clip_embedding.schema import ClipEmbeddingParams


class ClipEmbeddingTask(ImageEmbedding[ClipEmbeddingParams]):
    """The CLIP vector of an image."""

    model = CLIP

    task_type = "clip_embedding"
    schema = ClipEmbeddingParams
    output_schema = EmbeddingOutput
    submit = Submit("Make the CLIP vector of an image", file="The image.", check=intake.picture)

    def output_name(self, stem: str, params: ClipEmbeddingParams) -> str:
        return "clip_embedding.npy"

    def process(self, params: ClipEmbeddingParams, progress: ProgressCallback) -> EmbeddingOutput:
        return self.embed(params, progress, params.profile, normalize=params.normalize)
