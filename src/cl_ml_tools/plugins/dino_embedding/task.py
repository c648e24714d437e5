"""Makes DINOv2 vectors."""

from cl_ml_tools.compute_module import ProgressCallback, Submit
from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.image_embedding import ImageEmbedding
from cl_ml_tools.media import intake
from cl_ml_tools.models import DINO
from cl_ml_tools.plugins.dino_embedding.schema import DinoEmbeddingParams


class DinoEmbeddingTask(ImageEmbedding[DinoEmbeddingParams]):
    """The DINOv2 vector of an image."""

    model = DINO

    task_type = "dino_embedding"
    schema = DinoEmbeddingParams
    output_schema = EmbeddingOutput
    submit = Submit("Make the DINOv2 vector of an image", file="The image.", check=intake.picture)

    def output_name(self, stem: str, params: DinoEmbeddingParams) -> str:
        return "dino_embedding.npy"

    def process(self, params: DinoEmbeddingParams, progress: ProgressCallback) -> EmbeddingOutput:
        return self.embed(params, progress, "dinov2", normalize=params.normalize)
