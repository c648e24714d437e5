"""Films that are not as the usual ones are."""

from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import m3u8
import pytest
from PIL import Image

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media.black import BLACK, brightness
from cl_ml_tools.media.language import language_tag
from cl_ml_tools.media.video import grab
from cl_ml_tools.plugins.hls_streaming.playlist import Track, bandwidth
from cl_ml_tools.plugins.hls_streaming.schema import HlsStreamingOutput, HlsStreamingParams
from cl_ml_tools.plugins.hls_streaming.subtitles import words
from cl_ml_tools.plugins.hls_streaming.task import HlsStreamingTask
from cl_ml_tools.plugins.media_thumbnail.schema import MediaThumbnailParams
from cl_ml_tools.plugins.media_thumbnail.task import MediaThumbnailTask
from tests.media import photo
from tests.media.film import damaged, film, shown_by, without_start


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


MIRRORED = {
    "across": ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": ((1, 0, 0, -1), Image.Transpose.FLIP_TOP_BOTTOM),
    "half a turn": ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
    "a quarter, clockwise": ((0, 1, -1, 0), Image.Transpose.ROTATE_90),
    "a quarter, anticlockwise": ((0, -1, 1, 0), Image.Transpose.ROTATE_270),
    "one diagonal": ((0, 1, 1, 0), Image.Transpose.TRANSPOSE),
    "the other diagonal": ((0, -1, -1, 0), Image.Transpose.TRANSVERSE),
}


@pytest.mark.parametrize("how", MIRRORED)
def test_a_turned_or_mirrored_film_is_seen_as_it_was(tmp_path: Path, how: str) -> None:
    matrix, undone = MIRRORED[how]
    stored = photo.corners(160, 120).transpose(undone)
    content = shown_by(film(1, stored.size, picture=stored), *matrix)
    picture = grab(photo.write(tmp_path / "film", content), "film")
    assert picture.size == (160, 120)
    assert photo.corner_colours(picture) == ["red", "lime", "blue", "white"]
    _, playlist = stream(tmp_path, content)
    with av.open(playlist) as played:
        assert photo.corner_colours(next(played.decode(video=0)).to_image()) == ["red", "lime", "blue", "white"]


@pytest.mark.parametrize(
    ("pixel", "size"), [("64/45", (228, 120)), ("4/3", (212, 120)), ("1/2", (80, 120)), ("999/1", (160, 120))]
)
def test_pixels_that_are_not_square_are_made_square(tmp_path: Path, pixel: str, size: tuple[int, int]) -> None:
    content = film(1, pixel=Fraction(pixel))
    picture = grab(photo.write(tmp_path / "film", content), "film")
    assert picture.size == pytest.approx(size, abs=1)
    output, playlist = stream(tmp_path, content)
    assert (output.variants[0].width, output.variants[0].height) == size
    with av.open(playlist) as played:
        assert played.streams.video[0].sample_aspect_ratio in {None, 1}
        assert photo.corner_colours(next(played.decode(video=0)).to_image()) == ["red", "lime", "blue", "white"]


def test_a_turned_film_of_narrow_pixels_is_stretched_before_it_is_turned(tmp_path: Path) -> None:
    content = film(1, turned=90, pixel=Fraction(1, 2))
    assert grab(photo.write(tmp_path / "film", content), "film").size == (120, 80)
    output, _ = stream(tmp_path, content)
    assert (output.variants[0].width, output.variants[0].height) == (120, 80)


@pytest.mark.parametrize("format", ["mpegts", "mp4", "matroska"])
def test_a_film_with_one_key_frame_has_a_picture(tmp_path: Path, format: str) -> None:
    content = film(4, format=format, codec="libx264", options={"g": "1000", "sc_threshold": "0"})
    assert photo.corner_colours(grab(photo.write(tmp_path / "film", content), "film")) == [
        "red",
        "lime",
        "blue",
        "white",
    ]


def test_a_film_that_was_cut_after_its_key_frame_has_a_picture(tmp_path: Path) -> None:
    content = film(4, format="mpegts", codec="libx264", options={"x264-params": "intra-refresh=1:keyint=10"})
    assert grab(photo.write(tmp_path / "film", without_start(content)), "film").size == (160, 120)


@pytest.mark.parametrize("keys", ["10", "1000"])
def test_a_black_beginning_is_left_out(tmp_path: Path, keys: str) -> None:
    content = film(4, codec="libx264", black=2, options={"g": keys, "sc_threshold": "0"})
    picture = grab(photo.write(tmp_path / "film", content), "film")
    assert photo.corner_colours(picture) == ["red", "lime", "blue", "white"]


def test_a_black_film_is_black(tmp_path: Path) -> None:
    picture = grab(photo.write(tmp_path / "film", film(2, black=2)), "film")
    assert brightness(picture) < BLACK


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_an_animation_that_begins_in_black_shows_a_later_frame(tmp_path: Path, format: str) -> None:
    black, seen = Image.new("RGB", (160, 120)), photo.corners(160, 120)
    path = tmp_path / "animation"
    black.save(path, format, save_all=True, append_images=[black.point(lambda level: level + 1), seen, black])
    params = MediaThumbnailParams(
        input_paths=[str(path)], output_paths=[str(tmp_path / "small.jpg")], input_names=["animation"]
    )
    MediaThumbnailTask().process(params, lambda percent: None)
    with Image.open(tmp_path / "small.jpg") as made:
        assert photo.corner_colours(made) == ["red", "lime", "blue", "white"]


GREY = Image.new("RGB", (160, 120), (60, 60, 60))


@pytest.mark.parametrize("colours", [(1, 1, 1, 1), (2, 1, 1, 1), (1, 9, 14, 9), (2, 6, 6, 6), (1, 5, 4, 5)])
def test_a_stream_has_the_colours_and_the_brightness_of_the_film(
    tmp_path: Path, colours: tuple[int, int, int, int]
) -> None:
    content = film(1, codec="libx264", picture=GREY, colours=colours)
    seen = grab(photo.write(tmp_path / "film", content), "film").getpixel((10, 10))
    assert seen == pytest.approx((60, 60, 60), abs=3)
    _, playlist = stream(tmp_path, content)
    with av.open(playlist) as played:
        frame = next(played.decode(video=0))
    said = (frame.color_range, frame.color_primaries, frame.color_trc, frame.colorspace)
    assert said == (1, *colours[1:])
    assert frame.to_image().getpixel((10, 10)) == pytest.approx((60, 60, 60), abs=3)


# White of 203 cd/m² (BT.2408) is 58 % of PQ and 75 % of HLG. One film each, because FFmpeg takes a second or two
# for its table of colours.
def hdr(level: int, transfer: int) -> bytes:
    return film(1, codec="libx264", picture=Image.new("RGB", (160, 120), (level,) * 3), colours=(1, 9, transfer, 9))


def test_the_thumbnail_of_a_pq_film_is_as_bright_as_on_an_ordinary_screen(tmp_path: Path) -> None:
    picture = grab(photo.write(tmp_path / "film", hdr(148, 16)), "film")
    assert min(picture.convert("L").tobytes()[:10]) > 168


def test_the_stream_of_an_hlg_film_is_as_bright_as_on_an_ordinary_screen(tmp_path: Path) -> None:
    _, playlist = stream(tmp_path, hdr(191, 18))
    with av.open(playlist) as played:
        frame = next(played.decode(video=0))
    assert (frame.color_range, frame.color_primaries, frame.color_trc, frame.colorspace) == (1, 1, 1, 1)
    assert min(frame.to_image().convert("L").tobytes()[:10]) > 211


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("eng", "en"), ("ger", "de"), ("deu", "de"), ("gsw", "gsw"), ("pt_BR", "pt-BR"), ("de-AT", "de-AT"),
        ("EN", "en"), ("und", None), ("", None), (None, None), ('en",URI="x', None), ("zxx", None),
    ],
)  # fmt: skip
def test_languages_are_named_as_the_web_names_them(written: str | None, tag: str | None) -> None:
    assert language_tag(written) == tag


def test_a_name_cannot_end_its_attribute() -> None:
    track = Track("AUDIO", 'Live "1"\n#EXT-X-ENDLIST', None, default=True, forced=False, playlist="a.m3u8")
    assert "NAME=\"Live '1' #EXT-X-ENDLIST\"" in track.line()
    assert len(track.line().splitlines()) == 1


@pytest.mark.parametrize(
    ("dialogue", "written"),
    [
        (b"{\\an8}Up{\\r} & <b>", "Up &amp; &lt;b&gt;"),
        (b"one\n\n\ntwo --> three", "one\ntwo --&gt; three"),
        (b"a\\hb\xff", "a b\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_words_end_no_cue_and_have_no_style(dialogue: bytes, written: str) -> None:
    class Subtitle:
        def __init__(self) -> None:
            self.dialogue = dialogue

    assert words(Subtitle()) == written
