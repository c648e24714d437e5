"""What is said of a face; all places are parts of the image, 0 to 1, from its top left corner as it is seen."""

from pydantic import BaseModel, Field


class Point(BaseModel):
    """A place in the image."""

    x: float
    y: float


class Box(BaseModel):
    """A part of the image, by its top left corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Landmarks(BaseModel):
    """Where the parts of a face are; left and right are those of the person."""

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point


class Face(BaseModel):
    """A face that was found."""

    box: Box
    confidence: float = Field(
        description="0 to 1: the score of the model. Without a model n / (n + 2.5), where n windows of the search "
        "agree on the face: 0.67 and less is often none, 0.9 is sure; no probability."
    )
    landmarks: Landmarks | None = Field(default=None, description="Only where a model finds them.")
