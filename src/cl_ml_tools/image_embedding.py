"""What tasks that make one vector of a whole image have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from cl_ml_tools.compute_module import BlockingModule, P, ProgressCallback
from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.media.appearance import upright
from cl_ml_tools.media.picture import open_picture
from cl_ml_tools.models import ModelFile, missing_model
from cl_ml_tools.requirement import missing_library

if TYPE_CHECKING:
    from cl_ml_tools.embedding import Loader


class ImageEmbedding(BlockingModule[P]):
    """One vector of an image. The model is loaded with the first job, because it may be large."""

    model: ClassVar[ModelFile]
    _loader: "Loader | None" = None

    def missing(self) -> str | None:
        return missing_library(self.task_type, "numpy", "onnxruntime") or missing_model(self.model)

    def embed(self, params: P, progress: ProgressCallback, profile_name: str, *, normalize: bool) -> EmbeddingOutput:
        """The vector of the image of a job, which is written as `.npy` too."""
        # These import numpy, and a server without the task must not need it.
        from cl_ml_tools.embedding import PROFILES, Loader, write_npy

        if self._loader is None:
            self._loader = Loader(self.model)
        profile = PROFILES[profile_name]
        with open_picture(Path(params.input_paths[0]), params.name_of()) as opened:
            opened.draft(None, (profile.side * 2, profile.side * 2))
            picture = upright(opened)
            # It takes less than the next report would cost; a job that was cancelled ends here.
            progress(0)
            vector = self._loader.vector(picture, profile, normalize=normalize)
        return EmbeddingOutput(
            embedding=cast("list[float]", vector.tolist()),
            embedding_dim=vector.size,
            embedding_path=write_npy(Path(params.output_paths[0]), vector),
            normalized=normalize,
            profile=profile.name,
            model_sha256=self._loader.get().sha256,
        )
