"""Makes CLIP vectors."""

from cl_ml_tools.compute_module import ProgressCallback
from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.image_embedding import ImageEmbedding
from cl_ml_tools.models import CLIP
from cl_ml_tools.plugins.clip_embedding.schema import ClipEmbeddingParams


class ClipEmbeddingTask(ImageEmbedding[ClipEmbeddingParams]):
    """The CLIP vector of an image."""

    model = CLIP

    @property
    def task_type(self) -> str:
        return "clip_embedding"

    def get_schema(self) -> type[ClipEmbeddingParams]:
        return ClipEmbeddingParams

    def get_output_schema(self) -> type[EmbeddingOutput]:
        return EmbeddingOutput

    def process(self, params: ClipEmbeddingParams, progress: ProgressCallback) -> EmbeddingOutput:
        return self.embed(params, progress, params.profile, normalize=params.normalize)
