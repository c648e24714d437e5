"""Which qualities a stream of a film has."""

from typing import NamedTuple

from cl_ml_tools.plugins.hls_streaming.rendition import Size, fit
from cl_ml_tools.plugins.hls_streaming.schema import FASTEST, SLOWEST, HlsStreamingParams, HlsVariant

LADDER = (HlsVariant(resolution="720p", bitrate=2_500_000), HlsVariant(resolution="480p", bitrate=1_000_000))


class Variant(NamedTuple):
    """A quality: its name in the names of files, pixels, and bits per second of the picture."""

    name: str
    size: Size
    bitrate: int


def plan(seen: Size, params: HlsStreamingParams, bit_rate: int) -> list[Variant]:
    """The variants, the most demanding first."""
    wanted = list(params.variants)
    if not wanted and not params.include_original:
        shorter = min(seen)
        wanted = [variant for variant in LADDER if int(variant.resolution[:-1]) <= shorter] or [LADDER[-1]]
    planned = [(variant.resolution, fit(*seen, variant.resolution), variant.bitrate) for variant in wanted]
    if params.include_original:
        # At least what H.264 needs for pixels of that number, where the video does not say its rate.
        own = bit_rate or seen.width * seen.height * 3
        planned.append(("original", fit(*seen, None), min(max(own, SLOWEST), FASTEST)))
    planned.sort(key=lambda each: -each[2])
    names: dict[str, int] = {}
    result: list[Variant] = []
    for name, size, bitrate in planned:
        names[name] = names.get(name, 0) + 1
        result.append(Variant(name if names[name] == 1 else f"{name}_{names[name]}", size, bitrate))
    return result
