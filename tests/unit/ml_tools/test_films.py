"""Films that are not as the usual ones are."""

from itertools import accumulate
from pathlib import Path

import av
import m3u8
import pytest

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.plugins.hls_streaming.rendition import bandwidth
from cl_ml_tools.plugins.hls_streaming.schema import HlsStreamingOutput, HlsStreamingParams
from cl_ml_tools.plugins.hls_streaming.task import HlsStreamingTask
from tests.media import photo
from tests.media.film import damaged, film


def stream(folder: Path, content: bytes) -> tuple[HlsStreamingOutput, Path]:
    """The stream of a film at its own size: what the task says of it, and its media playlist."""
    source = photo.write(folder / "source", content)
    (folder / "output").mkdir()
    params = HlsStreamingParams(
        input_paths=[str(source)],
        output_paths=[str(folder / "output" / "film.m3u8")],
        input_names=["film"],
        include_original=True,
    )
    output = HlsStreamingTask().process(params, lambda percent: None)
    return output, folder / output.variants[0].playlist


def shown(playlist: Path) -> list[float]:
    """When the frames of a stream are seen, from the first one on."""
    with av.open(playlist) as played:
        times = [frame.time or 0.0 for frame in played.decode(video=0)]
    return [time - times[0] for time in times]


SLIDES = [0, 10, 20, 30]
FAST_AND_SLOW = [0, *accumulate([0.04] * 40 + [0.5] * 8 + [0.04] * 40 + [2.0])]
RARE = [0, *accumulate([0.2] * 20 + [3.0] * 3)]


@pytest.mark.parametrize("times", [SLIDES, FAST_AND_SLOW, RARE, [0, 0.1]])
def test_segments_last_as_long_as_their_frames_are_seen(tmp_path: Path, times: list[float]) -> None:
    output, playlist = stream(tmp_path, film(codec="libx264", times=times))
    media = m3u8.load(str(playlist))
    lengths = [segment.duration for segment in media.segments]
    assert sum(lengths) == pytest.approx(times[-1], abs=0.05)
    assert output.duration == pytest.approx(times[-1], abs=0.05)
    assert shown(playlist) == pytest.approx(times[:-1], abs=0.002)
    begins = [0, *accumulate(lengths)]
    firsts: list[float] = []
    for segment in media.segments:
        # Six packets are too few for FFmpeg to guess the format.
        with av.open(playlist.parent / segment.uri, format="mpegts") as part:
            firsts.append(next(part.decode(video=0)).time or 0.0)
    assert [first - firsts[0] for first in firsts] == pytest.approx(begins[:-1], abs=0.002)
    assert media.target_duration is not None
    assert max(lengths) <= media.target_duration < max(lengths) + 1


def test_a_stream_of_one_frame_has_a_target_duration(tmp_path: Path) -> None:
    _, playlist = stream(tmp_path, film(0.1))
    assert m3u8.load(str(playlist)).target_duration == 1


def test_sound_that_is_longer_than_the_picture_counts(tmp_path: Path) -> None:
    _, playlist = stream(tmp_path, film(2, codec="libx264", times=[0, 0.5, 1], sound=True))
    assert sum(segment.duration for segment in m3u8.load(str(playlist)).segments) == pytest.approx(2, abs=0.1)


def test_the_peak_is_that_of_segments_of_usual_length() -> None:
    assert bandwidth([(4, 1000), (4, 3000), (0.04, 500)]) == (6931, 4478)
    assert bandwidth([(0.04, 500)]) == (100_000, 100_000)


@pytest.mark.parametrize("numbers", [(7,), (19,), (3, 11)])
def test_a_damaged_frame_is_left_out_and_counted(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    output, playlist = stream(tmp_path, damaged(film(2, codec="libx264"), *numbers))
    assert output.damaged_frames == len(numbers)
    assert len(shown(playlist)) == 20 - len(numbers)
    assert output.duration == pytest.approx(2, abs=0.21)


def test_a_film_of_damaged_frames_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"^film is damaged: not one frame can be read$"):
        stream(tmp_path, damaged(film(1, codec="libx264"), *range(10)))
