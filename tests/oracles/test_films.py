"""Streams of films against FFmpeg's programs, which know nothing of how we made them, and `m3u8`."""

import json
import re
from pathlib import Path

import av
import m3u8
import numpy
import pytest

from cl_ml_tools.media.video import grab
from cl_ml_tools.plugins.hls_streaming.schema import HlsStreamingOutput, HlsStreamingParams, HlsVariant
from cl_ml_tools.plugins.hls_streaming.task import HlsStreamingTask
from tests.oracles import film_table
from tests.oracles.films import BEEPS, FLASHES, H264, PICTURE, SECONDS, film_of_24, interlaced, likeness, made, tracks
from tests.oracles.programs import run

pytestmark = pytest.mark.oracle


def stream(source: Path, *variants: HlsVariant) -> tuple[HlsStreamingOutput, Path]:
    """The stream of a film: what the task says of it, and the folder that it is in."""
    folder = source.parent / "output"
    folder.mkdir()
    params = HlsStreamingParams(
        input_paths=[str(source)],
        output_paths=[str(folder / "film.m3u8")],
        input_names=[source.name],
        variants=list(variants),
        include_original=True,
    )
    return HlsStreamingTask().process(params, lambda percent: None), folder


def probe(path: Path, *what: str) -> dict[str, list[dict[str, object]]]:
    return json.loads(run("ffprobe", "-v", "error", *what, "-of", "json", path))


def frame_count(path: Path) -> int:
    """How many frames FFmpeg reads."""
    return int(
        str(probe(path, "-select_streams", "v:0", "-count_frames", "-show_streams")["streams"][0]["nb_read_frames"])
    )


def lasts(path: Path) -> float:
    return float(run("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path))


def starts(path: Path) -> float:
    return float(str(probe(path, "-show_streams")["streams"][0]["start_time"]))


def heard(playlist: Path) -> float:
    """When a tone begins, by the clock of the stream."""
    with av.open(playlist) as played:
        for frame in played.decode(audio=0):
            loud = numpy.flatnonzero(numpy.abs(frame.to_ndarray()[0]) > 0.05)
            if loud.size:
                return frame.time + float(loud[0]) / frame.sample_rate
    raise AssertionError("no tone")


def seen(playlist: Path) -> float:
    """When it is white, by the clock of the stream."""
    with av.open(playlist) as played:
        return next(frame.time for frame in played.decode(video=0) if frame.to_ndarray(format="gray").mean() > 128)


CUE = re.compile(r"(?:(\d+):)?(\d\d):(\d\d)\.(\d{3})")


def cues(text: str) -> list[tuple[int, int, str]]:
    """Beginning and end in milliseconds, and words, of what WebVTT has in it."""
    found: list[tuple[int, int, str]] = []
    for block in text.split("\n\n"):
        head, _, words = block.strip().partition("\n")
        if " --> " in head:
            begin, end = (
                ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(milliseconds)
                for hours, minutes, seconds, milliseconds in CUE.findall(head)
            )
            found.append((begin, end, words))
    return found


FILMS = {
    "mp4": (*PICTURE, *BEEPS, *H264),
    "a webcam's": (*PICTURE, "-vf", "select='not(mod(n,7))+between(t,2,3)'", "-fps_mode", "vfr", *H264[:6]),
    "of 23.976 frames": (*PICTURE, *BEEPS, "-r", "24000/1001", *H264),
}


@pytest.mark.parametrize("kind", FILMS)
@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_a_stream_lasts_as_long_as_its_film(tmp_path: Path, kind: str, container: str) -> None:
    source = made(tmp_path, f"film.{container}", *FILMS[kind])
    output, folder = stream(source)
    playlist = folder / Path(output.variants[0].playlist).name
    media = m3u8.load(str(playlist))
    assert sum(segment.duration for segment in media.segments) == pytest.approx(lasts(source), abs=0.1)
    assert lasts(playlist) == pytest.approx(lasts(source), abs=0.1)


@pytest.mark.parametrize("kind", FILMS)
def test_the_master_playlist_says_what_is_in_the_stream(tmp_path: Path, kind: str) -> None:
    output, folder = stream(made(tmp_path, "film.mp4", *FILMS[kind]), HlsVariant(resolution="160x120", bitrate=100_000))
    master = m3u8.load(str(folder / "film.m3u8"))
    assert len(master.playlists) == 2
    for said, variant in zip(master.playlists, output.variants, strict=True):
        playlist = folder / Path(variant.playlist).name
        found = probe(playlist, "-show_streams")["streams"]
        video = next(each for each in found if each["codec_type"] == "video")
        assert said.stream_info.resolution == (video["width"], video["height"])
        level = str(said.stream_info.codecs).split(",")[0]
        assert int(level[-2:], 16) == video["level"]
        sizes = [(folder / segment.uri).stat().st_size * 8 for segment in m3u8.load(str(playlist)).segments]
        lengths = [segment.duration or 0 for segment in m3u8.load(str(playlist)).segments]
        whole = [size / length for size, length in zip(sizes, lengths, strict=True) if length > 2]
        assert said.stream_info.bandwidth >= max(whole) - 1
        assert said.stream_info.average_bandwidth == pytest.approx(sum(sizes) / sum(lengths), abs=2)


def test_the_frame_rate_is_the_highest_that_is_seen(tmp_path: Path) -> None:
    _, folder = stream(made(tmp_path, "film.mkv", *FILMS["a webcam's"]))
    assert m3u8.load(str(folder / "film.m3u8")).playlists[0].stream_info.frame_rate == pytest.approx(25, abs=0.5)


def test_the_frame_rate_of_a_film_that_has_one_is_that(tmp_path: Path) -> None:
    _, folder = stream(made(tmp_path, "film.mkv", *FILMS["of 23.976 frames"]))
    assert m3u8.load(str(folder / "film.m3u8")).playlists[0].stream_info.frame_rate == 23.976


def test_key_frames_of_all_variants_are_of_the_same_moments(tmp_path: Path) -> None:
    output, folder = stream(
        made(tmp_path, "film.mp4", *FILMS["mp4"]), HlsVariant(resolution="160x120", bitrate=100_000)
    )
    moments = [
        [
            frame["pts_time"]
            for frame in probe(
                folder / Path(variant.playlist).name,
                "-skip_frame", "nokey", "-select_streams", "v", "-show_entries", "frame=pts_time",
            )["frames"]
        ]
        for variant in output.variants
    ]  # fmt: skip
    assert moments[0] == moments[1]
    assert len(moments[0]) == output.variants[0].segments


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_all_sound_tracks_are_offered_with_their_languages(tmp_path: Path, name: str) -> None:
    output, folder = stream(tracks(tmp_path, name))
    assert [track.language for track in output.sound_tracks] == ["en", "de"]
    media = [each for each in m3u8.load(str(folder / "film.m3u8")).media if each.type == "AUDIO"]
    assert [(each.language, each.default) for each in media] == [("en", "NO"), ("de", "YES")]
    for each in media:
        assert [found["codec_type"] for found in probe(folder / each.uri, "-show_streams")["streams"]] == ["audio"]
        assert lasts(folder / each.uri) == pytest.approx(SECONDS, abs=0.1)


def test_pictures_and_sound_of_one_moment_stay_of_one_moment(tmp_path: Path) -> None:
    output, folder = stream(made(tmp_path, "film.mp4", *FLASHES, *BEEPS, *H264))
    playlist = folder / Path(output.variants[0].playlist).name
    assert heard(playlist) == pytest.approx(seen(playlist), abs=0.03)


def test_sound_in_files_of_its_own_keeps_to_the_picture(tmp_path: Path) -> None:
    output, folder = stream(tracks(tmp_path, "film.mkv"))
    flash = seen(folder / Path(output.variants[0].playlist).name)
    for track in output.sound_tracks:
        assert heard(folder / Path(track.playlist).name) == pytest.approx(flash, abs=0.03)


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_subtitles_are_the_words_that_ffmpeg_finds_at_the_same_moments(tmp_path: Path, name: str) -> None:
    source = tracks(tmp_path, name)
    output, folder = stream(source)
    assert [track.language for track in output.subtitles] == ["fr", "ja"]
    theirs = run("ffmpeg", "-v", "error", "-copyts", "-i", source, "-map", "0:s:0", "-f", "webvtt", "-").decode()
    theirs = re.sub(r"</?[ib]>", "", theirs).replace("& ", "&amp; ").replace(" > ", " &gt; ")
    playlist = folder / Path(output.subtitles[0].playlist).name
    segments = [folder / segment.uri for segment in m3u8.load(str(playlist)).segments]
    ours = [cue for segment in segments for cue in cues(segment.read_text("utf-8"))]
    # A stream begins with the first picture, wherever that is in the film.
    first = round(starts(source) * 1000)
    assert sorted(set(ours)) == [(begin - first, end - first, words) for begin, end, words in cues(theirs)]
    # The second ones are seen from the first segment to the last.
    assert all("Tschüß, 日本" in segment.read_text("utf-8") for segment in segments)


def test_the_words_are_timed_by_the_first_picture(tmp_path: Path) -> None:
    output, folder = stream(tracks(tmp_path, "film.mp4"))
    first = (folder / "film_subtitles_1_000.vtt").read_text("utf-8")
    begins = float(
        str(probe(folder / Path(output.variants[0].playlist).name, "-show_streams")["streams"][0]["start_time"])
    )
    assert f"X-TIMESTAMP-MAP=MPEGTS:{round(begins * 90_000)},LOCAL:00:00:00.000" in first


def test_subtitles_that_are_forced_say_so(tmp_path: Path) -> None:
    _, folder = stream(tracks(tmp_path, "film.mkv"))
    media = [each for each in m3u8.load(str(folder / "film.m3u8")).media if each.type == "SUBTITLES"]
    assert [(each.default, each.forced) for each in media] == [("NO", None), ("NO", "YES")]


def test_sound_before_the_first_picture_is_kept(tmp_path: Path) -> None:
    source = made(tmp_path, "film.mkv", *BEEPS, "-itsoffset", "3", *PICTURE, "-map", "1", "-map", "0", *H264)
    output, folder = stream(source)
    playlist = folder / Path(output.variants[0].playlist).name
    begins = starts(playlist)
    assert heard(playlist) - begins == pytest.approx(5, abs=0.05)
    assert lasts(playlist) == pytest.approx(SECONDS + 3, abs=0.1)


ENCODERS = {
    "film.mpg": ("-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-b:v", "4M"),
    "film.mp4": (*H264[:6], "-x264-params", "tff=1"),
}


def combed(path: Path) -> tuple[int, int]:
    """How many frames FFmpeg's detector takes for interlaced and for progressive."""
    said = run("ffmpeg", "-v", "info", "-i", path, "-vf", "idet", "-f", "null", "-", errors=True).decode()
    top, bottom, progressive = re.findall(r"Multi frame detection: TFF: *(\d+) BFF: *(\d+) Progressive: *(\d+)", said)[
        -1
    ]
    return int(top) + int(bottom), int(progressive)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_two_fields_of_a_frame_are_joined_in_a_stream(tmp_path: Path, name: str) -> None:
    source = interlaced(tmp_path, name, *ENCODERS[name])
    assert combed(source)[0] > 200
    output, folder = stream(source)
    fields, whole = combed(folder / Path(output.variants[0].playlist).name)
    # What it takes for such are moving patterns of single lines.
    assert fields < whole / 20
    assert output.duration == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_two_fields_of_a_frame_are_joined_in_a_thumbnail(tmp_path: Path, name: str) -> None:
    picture = grab(interlaced(tmp_path, name, *ENCODERS[name]), name)
    lines = numpy.asarray(picture.convert("L"), dtype=float)
    # Lines of one moment are more like the next than like the next but one.
    near = numpy.abs(lines[1:] - lines[:-1]).mean()
    far = numpy.abs(lines[2:] - lines[:-2]).mean()
    assert near < far


@pytest.mark.parametrize("name", [*ENCODERS, "plain.mp4"])
def test_a_film_in_video_of_30_frames_gets_its_own_24_back(tmp_path: Path, name: str) -> None:
    encoder = ENCODERS.get(name, H264[:6])
    source = film_of_24(tmp_path, name, "-vf", "telecine", *encoder)
    output, folder = stream(source)
    playlist = folder / Path(output.variants[0].playlist).name
    frames = probe(playlist, "-select_streams", "v", "-count_frames", "-show_streams")["streams"][0]["nb_read_frames"]
    assert int(str(frames)) == pytest.approx(SECONDS * 24, abs=3)
    film = film_of_24(tmp_path, "film_of_24.mp4", *H264)
    assert likeness(playlist, film) > 35 > likeness(source, film)
    assert m3u8.load(str(folder / "film.m3u8")).playlists[0].stream_info.frame_rate == pytest.approx(23.976, abs=0.01)
    assert output.duration == pytest.approx(SECONDS, abs=0.1)
    assert heard(playlist) == pytest.approx(seen(playlist), abs=0.05)


def test_a_film_that_ends_early_says_how_much_is_missing(tmp_path: Path) -> None:
    source = made(tmp_path, "film.mp4", *PICTURE, *H264, "-movflags", "+faststart")
    content = source.read_bytes()
    source.write_bytes(content[: len(content) * 2 // 3])
    output, _ = stream(source)
    assert output.missing_seconds == pytest.approx(SECONDS - output.duration, abs=0.1)
    assert output.missing_seconds > 1


def test_frames_that_are_lost_in_a_transport_stream_are_counted(tmp_path: Path) -> None:
    source = made(tmp_path, "film.ts", *PICTURE, *H264[:6])
    content = bytearray(source.read_bytes())
    # The packets (ISO/IEC 13818-1 §2.4.3.2) of pictures that begin a frame, of which the headers become noise.
    begins = [at for at in range(0, len(content), 188) if content[at + 1 : at + 3] == b"\x41\x00"]
    for at in (begins[40], begins[41], begins[100]):
        content[at + 4 : at + 60] = bytes(byte ^ 0x5A for byte in content[at + 4 : at + 60])
    source.write_bytes(content)
    output, folder = stream(source)
    left = frame_count(source)
    assert left < SECONDS * 25
    assert output.damaged_frames == SECONDS * 25 - left
    assert frame_count(folder / "film_original.m3u8") == left


def test_subtitles_that_are_pictures_are_named(tmp_path: Path) -> None:
    source = tracks(tmp_path, "film.mkv")
    content = source.read_bytes()
    # The first of the two tracks says that it is of Blu-ray's pictures; a text in EBML may end in a NUL.
    source.write_bytes(content.replace(b"S_TEXT/UTF8", b"S_HDMV/PGS\0", 1))
    output, _ = stream(source)
    assert output.notes == ["subtitles that are pictures: fr (hdmv_pgs_subtitle)"]
    assert [track.language for track in output.subtitles] == ["ja"]


def test_a_whole_film_misses_nothing(tmp_path: Path) -> None:
    output, _ = stream(made(tmp_path, "film.mkv", *FILMS["mp4"]))
    assert output.missing_seconds == 0
    assert output.damaged_frames == 0
    assert output.notes == []


@pytest.mark.parametrize("kind", film_table.KINDS)
def test_the_table_says_what_becomes_of_a_film(tmp_path: Path, kind: str) -> None:
    source = film_table.film(kind, tmp_path)
    found = film_table.words(source, tmp_path / "stream")
    assert list(found) == film_table.rows()[kind], "python -m tests.oracles.film_table"
    said = m3u8.load(str(tmp_path / "stream" / "film.m3u8")).playlists[0]
    media = m3u8.load(str(tmp_path / "stream" / str(said.uri)))
    assert sum(segment.duration or 0 for segment in media.segments) == pytest.approx(lasts(source), abs=0.1)
