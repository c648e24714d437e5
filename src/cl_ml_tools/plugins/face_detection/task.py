"""Finds faces."""

from pathlib import Path
from typing import TYPE_CHECKING

from cl_ml_tools.artifact import job_path
from cl_ml_tools.compute_module import BlockingModule, ProgressCallback, Submit
from cl_ml_tools.media import intake
from cl_ml_tools.media.appearance import upright
from cl_ml_tools.media.picture import open_picture
from cl_ml_tools.media.writing import save_picture
from cl_ml_tools.plugins.face_detection.schema import DetectedFace, FaceDetectionOutput, FaceDetectionParams
from cl_ml_tools.requirement import missing_library

if TYPE_CHECKING:
    from cl_ml_tools.faces import FaceFinder

QUALITY = 90
MARGIN = 0.1


class FaceDetectionTask(BlockingModule[FaceDetectionParams]):
    """The faces of an image, each with a file of its own."""

    _finder: "FaceFinder | None" = None

    task_type = "face_detection"
    schema = FaceDetectionParams
    output_schema = FaceDetectionOutput
    submit = Submit("Find the faces in an image", file="The image to look at.", check=intake.picture)

    def output_name(self, stem: str, params: FaceDetectionParams) -> str:
        return f"{stem}_face.jpg"

    def missing(self) -> str | None:
        return missing_library(self.task_type, "numpy", "cv2")

    def process(self, params: FaceDetectionParams, progress: ProgressCallback) -> FaceDetectionOutput:
        # It imports OpenCV, and a server without the task must not need that.
        from cl_ml_tools.faces import FaceFinder, crop

        if self._finder is None:
            self._finder = FaceFinder()
        folder = Path(params.output_paths[0]).parent
        stem = Path(params.output_paths[0]).stem
        with open_picture(Path(params.input_paths[0]), params.name_of()) as opened:
            picture = upright(opened)
            picture.load()
            progress(25)
            found = self._finder.find(picture, params.confidence_threshold, params.nms_threshold)
            progress(75)
            faces: list[DetectedFace] = []
            for number, face in enumerate(found):
                target = folder / f"{stem}_{number}.jpg"
                cut = crop(picture, face.box, MARGIN)
                save_picture(cut, target, "jpg", QUALITY, name=params.name_of())
                faces.append(
                    DetectedFace(
                        box=face.box,
                        confidence=face.confidence,
                        landmarks=face.landmarks,
                        crop_path=job_path(target),
                    )
                )
        digest = self._finder.model_sha256
        return FaceDetectionOutput(
            faces=faces,
            num_faces=len(faces),
            image_width=picture.width,
            image_height=picture.height,
            detector="haar" if digest is None else "yunet",
            model_sha256=digest,
        )
