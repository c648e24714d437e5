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
    confidence: float = Field(description="0 to 1. Without a model it is no probability, but rises with the evidence.")
    landmarks: Landmarks | None = Field(default=None, description="Only where a model finds them.")
