"""Makes vectors of faces."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from cl_ml_tools.compute_module import BlockingModule, ProgressCallback, Submit
from cl_ml_tools.media import intake
from cl_ml_tools.media.appearance import upright
from cl_ml_tools.media.picture import open_picture
from cl_ml_tools.models import ARCFACE, missing_model
from cl_ml_tools.plugins.face_embedding.schema import EmbeddedFace, FaceEmbeddingOutput, FaceEmbeddingParams
from cl_ml_tools.requirement import missing_library

if TYPE_CHECKING:
    from cl_ml_tools.embedding import Loader
    from cl_ml_tools.faces import FaceFinder

CONFIDENCE, OVERLAP = 0.7, 0.4


class FaceEmbeddingTask(BlockingModule[FaceEmbeddingParams]):
    """A vector for each face; a picture in which none is found is taken for one that was cut out already."""

    _tools: "tuple[FaceFinder, Loader] | None" = None

    task_type = "face_embedding"
    schema = FaceEmbeddingParams
    output_schema = FaceEmbeddingOutput
    submit = Submit("Make the vectors of the faces in an image", file="The image.", check=intake.picture)

    def output_name(self, stem: str, params: FaceEmbeddingParams) -> str:
        return "face_embedding.npy"

    def missing(self) -> str | None:
        return missing_library(self.task_type, "numpy", "cv2", "onnxruntime") or missing_model(ARCFACE)

    def process(self, params: FaceEmbeddingParams, progress: ProgressCallback) -> FaceEmbeddingOutput:
        # These import OpenCV and onnxruntime, and a server without the task must not need them.
        import numpy

        from cl_ml_tools.embedding import PROFILES, Loader, write_npy
        from cl_ml_tools.faces import FaceFinder, crop

        if self._tools is None:
            self._tools = (FaceFinder(), Loader(ARCFACE))
        finder, loader = self._tools
        profile = PROFILES["arcface"]
        with open_picture(Path(params.input_paths[0]), params.name_of()) as opened:
            picture = upright(opened)
            picture.load()
            found = finder.find(picture, CONFIDENCE, OVERLAP)
            progress(25)
            cuts = [crop(picture, face.box) for face in found] or [picture]
            vectors = [loader.vector(cut, profile, normalize=params.normalize) for cut in cuts]
        listed = [cast("list[float]", vector.tolist()) for vector in vectors]
        faces = [*found] or [None]
        return FaceEmbeddingOutput(
            embedding=listed[0],
            embedding_dim=len(listed[0]),
            embedding_path=write_npy(Path(params.output_paths[0]), numpy.stack(vectors)),
            normalized=params.normalize,
            profile=profile.name,
            model_sha256=loader.get().sha256,
            faces=[EmbeddedFace(face=face, embedding=vector) for face, vector in zip(faces, listed, strict=True)],
            num_faces=len(found),
        )
