"""Makes DINOv2 vectors."""

from cl_ml_tools.compute_module import ProgressCallback
from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.image_embedding import ImageEmbedding
from cl_ml_tools.models import DINO
from cl_ml_tools.plugins.dino_embedding.schema import DinoEmbeddingParams


class DinoEmbeddingTask(ImageEmbedding[DinoEmbeddingParams]):
    """The DINOv2 vector of an image."""

    model = DINO

    @property
    def task_type(self) -> str:
        return "dino_embedding"

    def get_schema(self) -> type[DinoEmbeddingParams]:
        return DinoEmbeddingParams

    def get_output_schema(self) -> type[EmbeddingOutput]:
        return EmbeddingOutput

    def process(self, params: DinoEmbeddingParams, progress: ProgressCallback) -> EmbeddingOutput:
        return self.embed(params, progress, "dinov2", normalize=params.normalize)
