"""The submit route of the face detection task."""

from cl_ml_tools.media import intake
from cl_ml_tools.plugins.face_detection.schema import FaceDetectionOutput, FaceDetectionParams
from cl_ml_tools.submit import SubmitRoute

create_router = SubmitRoute(
    "face_detection",
    FaceDetectionParams,
    FaceDetectionOutput,
    summary="Find the faces in an image",
    file="The image to look at.",
    check=intake.picture,
    output_name=lambda stem, _: f"{stem}_face.jpg",
).router
