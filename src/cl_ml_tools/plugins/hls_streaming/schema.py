"""Parameters and output of the HLS task."""

import json
import re
from typing import Annotated, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from cl_ml_tools.schemas import BaseJobParams

MOST_VARIANTS = 8
SLOWEST, FASTEST = 50_000, 50_000_000
EXAMPLE = '[{"resolution": "1280x720", "bitrate": 2500000}]'
UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


def bits_per_second(value: object) -> object:
    """`"2500k"` and `"2.5M"` as numbers. Nobody streams at 2500 bits a second: small numbers are thousands."""
    if isinstance(value, str):
        written = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)([km]?)(?:bps|bit/s)?", value.strip().lower())
        if written is None:
            return value
        value = round(float(written[1]) * UNITS[written[2]])
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < SLOWEST:
        return value * 1_000
    return value


def height(value: object) -> object:
    """`720` is `"720p"`."""
    return f"{value}p" if isinstance(value, int) and not isinstance(value, bool) else value


# A list of plain objects, so that clients take what people write down anyway; `HlsVariant` says what is in them.
ON_THE_WIRE: JsonDict = {"type": "array", "items": {"type": "object", "additionalProperties": True}, "maxItems": 8}


class HlsVariant(BaseModel):
    """A variant of the stream."""

    model_config = ConfigDict(extra="forbid")

    resolution: Annotated[str, BeforeValidator(height)] = Field(
        pattern=r"^[1-9]\d{1,3}(x[1-9]\d{1,3}|p)$",
        description="The maximum size (`1280x720`), or the shorter side (`720p`). The video is never enlarged.",
    )
    bitrate: Annotated[int, BeforeValidator(bits_per_second)] = Field(
        ge=SLOWEST, le=FASTEST, description="Bits per second of the video, also as `2500k`."
    )


def listed(value: object) -> object:
    """A form has only text: one field with the whole JSON list, or one field for each of its items."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return value
    items: list[object] = []
    for item in cast("list[object]", value):
        try:
            found = cast("object", json.loads(item)) if isinstance(item, str) and item.strip() else item
        except (ValueError, RecursionError):
            raise ValueError(f"not JSON; expected a list like {EXAMPLE}") from None
        if isinstance(found, list):
            items += cast("list[object]", found)
        elif found != "":
            items.append(found)
        if len(items) > MOST_VARIANTS:
            raise ValueError(f"at most {MOST_VARIANTS} variants")
    return items


class HlsStreamingParams(BaseJobParams):
    """Make an HTTP live stream (RFC 8216) of a video: a master playlist, and playlist and segments for each variant."""

    variants: Annotated[list[HlsVariant], BeforeValidator(listed), WithJsonSchema(ON_THE_WIRE)] = Field(
        default_factory=list,
        max_length=MOST_VARIANTS,
        description="The variants, as a JSON list of objects with `resolution` (the maximum size `1280x720`, or the "
        "shorter side `720p`; never enlarged) and `bitrate` (bits per second, or `2500k`). By default, 720p and 480p, "
        "if the video is that large.",
    )
    include_original: bool = Field(default=False, description="Add a variant in the original size.")


class HlsVariantOutput(BaseModel):
    """A variant of the stream."""

    playlist: str = Field(description="Path of the file in the job.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    bandwidth: int = Field(description="Peak bits per second.")
    segments: int = Field(description="The number of segments.")


class HlsTrackOutput(BaseModel):
    """A sound track or subtitles that a viewer can select, in separate files."""

    playlist: str = Field(description="Path of the file in the job.")
    name: str = Field(description="The name that players show.")
    language: str | None = Field(default=None, description="The language tag (BCP 47), if the video has one.")


class HlsStreamingOutput(BaseModel):
    """The stream. Playlists use relative paths, so you can move the folder."""

    master_playlist: str = Field(description="Path of the file in the job.")
    variants: list[HlsVariantOutput]
    variants_generated: int
    total_segments: int
    duration: float = Field(description="Seconds.")
    audio: bool = Field(description="Whether there is sound.")
    sound_tracks: list[HlsTrackOutput] = Field(
        default_factory=list[HlsTrackOutput],
        description="The sound tracks, if there are several. A single one is in the segments of the video.",
    )
    subtitles: list[HlsTrackOutput] = Field(
        default_factory=list[HlsTrackOutput], description="The text subtitles, as WebVTT."
    )
    damaged_frames: int = Field(
        default=0,
        description="The number of unreadable frames, which were left out. In MPEG-TS and MPEG-PS with a constant "
        "frame rate, frames of which nothing is left count too.",
    )
    missing_seconds: float = Field(
        default=0, description="Seconds that the header of the video announces but the file does not contain."
    )
    notes: list[str] = Field(
        default_factory=list,
        description="The tracks of the video that the stream does not contain, one line for each kind.",
    )
