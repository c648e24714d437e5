import gc
import json
import shlex
import sys
from importlib.metadata import requires
from pathlib import Path

import av
import m3u8
import pytest
from packaging.requirements import Requirement
from pydantic import ValidationError

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.plugins.hls_streaming.rendition import Size, fit
from cl_ml_tools.plugins.hls_streaming.schema import HlsStreamingOutput, HlsStreamingParams
from cl_ml_tools.plugins.hls_streaming.task import HlsStreamingTask
from cl_ml_tools.requirement import missing_library
from tests.media import photo
from tests.media.film import film

TWO = [{"resolution": "120p", "bitrate": "300k"}, {"resolution": "80x60", "bitrate": 100_000}]


def stream(
    folder: Path, content: bytes, heard: list[int] | None = None, **params: object
) -> tuple[HlsStreamingOutput, Path]:
    source = photo.write(folder / "source.mp4", content)
    output = folder / "output"
    output.mkdir()
    given = {
        "input_paths": [str(source)],
        "output_paths": [str(output / "film.m3u8")],
        "input_names": ["film.mp4"],
        **params,
    }
    made = HlsStreamingTask().process(
        HlsStreamingParams.model_validate(given), (heard if heard is not None else []).append
    )
    return made, output


def test_a_master_playlist_leads_to_every_segment(tmp_path: Path) -> None:
    output, folder = stream(tmp_path, film(9, sound=True), variants=TWO)
    assert output.master_playlist == "output/film.m3u8"
    assert (output.variants_generated, output.audio) == (2, True)
    assert output.duration == pytest.approx(9, abs=0.2)
    master = m3u8.load(str(folder / "film.m3u8"))
    assert master.is_variant
    assert [playlist.stream_info.resolution for playlist in master.playlists] == [(160, 120), (80, 60)]
    files = {"film.m3u8"}
    for playlist, variant in zip(master.playlists, output.variants, strict=True):
        assert "/" not in playlist.uri
        assert playlist.stream_info.bandwidth == variant.bandwidth
        assert playlist.stream_info.codecs.startswith("avc1.64")
        assert playlist.stream_info.codecs.endswith(",mp4a.40.2")
        media = m3u8.load(str(folder / playlist.uri))
        assert media.is_endlist
        assert media.playlist_type == "vod"
        assert len(media.segments) == variant.segments == 3
        assert sum(segment.duration for segment in media.segments) == pytest.approx(9, abs=0.3)
        assert max(segment.duration for segment in media.segments) <= media.target_duration
        files |= {playlist.uri, *(segment.uri for segment in media.segments)}
        for segment in media.segments:
            with av.open(folder / segment.uri) as part:
                assert (part.format.name, len(part.streams.audio)) == ("mpegts", 1)
                first = next(part.decode(video=0))
                assert first.key_frame
                assert (first.width, first.height) == (variant.width, variant.height)
    assert {path.name for path in folder.iterdir()} == files
    assert output.total_segments == 6


def test_a_player_plays_all_of_it(tmp_path: Path) -> None:
    output, folder = stream(tmp_path, film(5), variants=TWO[:1])
    with av.open(folder / Path(output.variants[0].playlist).name) as played:
        frames = [frame.to_image() for frame in played.decode(video=0)]
    assert len(frames) == 50
    assert photo.corner_colours(frames[-1]) == ["red", "lime", "blue", "white"]
    assert not output.audio


def test_progress_is_in_per_cent_and_rises(tmp_path: Path) -> None:
    heard: list[int] = []
    stream(tmp_path, film(3), heard, variants=TWO[1:])
    assert heard == sorted(heard)
    assert heard[0] <= 10
    assert heard[-1] == 95


def test_without_variants_there_are_those_that_fit(tmp_path: Path) -> None:
    output, _ = stream(tmp_path, film(1, (1280, 720), rate=5))
    assert [(each.width, each.height) for each in output.variants] == [(1280, 720), (854, 480)]


def test_a_small_film_is_not_enlarged(tmp_path: Path) -> None:
    output, _ = stream(tmp_path, film(1))
    assert [(each.width, each.height) for each in output.variants] == [(160, 120)]


def test_the_original_size_joins_the_variants(tmp_path: Path) -> None:
    output, folder = stream(tmp_path, film(1), variants=TWO[1:], include_original=True)
    assert sorted((each.width, each.height) for each in output.variants) == [(80, 60), (160, 120)]
    assert (folder / "film_original.m3u8").exists()


def test_the_same_variant_twice_has_two_names(tmp_path: Path) -> None:
    output, _ = stream(tmp_path, film(1), variants=[TWO[1], TWO[1]])
    assert len({each.playlist for each in output.variants}) == 2


@pytest.mark.parametrize(("turned", "size"), [(90, (120, 160)), (180, (160, 120)), (270, (120, 160))])
def test_a_film_from_a_telephone_is_upright(tmp_path: Path, turned: int, size: tuple[int, int]) -> None:
    turn = {90: photo.TURNS[6], 180: photo.TURNS[3], 270: photo.TURNS[8]}[turned]
    assert turn is not None
    stored = photo.corners(*size).transpose(turn)
    output, folder = stream(tmp_path, film(1, stored.size, turned=turned, picture=stored), include_original=True)
    assert (output.variants[0].width, output.variants[0].height) == size
    with av.open(folder / Path(output.variants[0].playlist).name) as played:
        assert photo.corner_colours(next(played.decode(video=0)).to_image()) == ["red", "lime", "blue", "white"]


@pytest.mark.parametrize(
    ("format", "codec"), [("matroska", "mpeg4"), ("avi", "mpeg4"), ("mpegts", "mpeg2video"), ("webm", "libvpx")]
)
def test_other_containers(tmp_path: Path, format: str, codec: str) -> None:
    rate = 25 if codec == "mpeg2video" else 10
    output, _ = stream(tmp_path, film(1, format=format, codec=codec, rate=rate), variants=TWO[1:])
    assert output.total_segments == 1
    assert output.duration == pytest.approx(1, abs=0.2)


SECRET = "a line of a file of this machine"


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{path}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{path}\n",
        "ffconcat version 1.0\nfile '{path}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{path}</BaseURL></MPD>',
        "concat:{path}|{path}",
        "subfile,,start,0,end,9,,:{path}",
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "m3u8", "ffconcat", "sdp", "mpd"])
def test_a_list_of_addresses_is_never_followed(tmp_path: Path, content: str, suffix: str) -> None:
    # A real film, so that following the address would work.
    secret = photo.write(tmp_path / "secret.mp4", film(1))
    source = photo.write(tmp_path / f"source.{suffix}", content.format(path=secret).encode())
    (tmp_path / "output").mkdir()
    params = HlsStreamingParams(
        input_paths=[str(source)], output_paths=[str(tmp_path / "output" / "a.m3u8")], input_names=["a.m3u8"]
    )
    with pytest.raises(TaskError, match=r"^a\.m3u8 is not a video that FFmpeg can read \("):
        HlsStreamingTask().process(params, lambda percent: None)
    assert list((tmp_path / "output").iterdir()) == []


@pytest.mark.parametrize("content", [photo.photo(64, 48), b"words", b"\0" * 100, film(1)[:300]])
def test_what_is_no_film_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TaskError, match=r"^film\.mp4 is "):
        stream(tmp_path, content)
    assert list((tmp_path / "output").iterdir()) == []


def test_a_film_without_a_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(path, "w") as container:
        tone = container.add_stream("aac", rate=44_100)
        silence = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        silence.sample_rate, silence.pts = 44_100, 0
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(tone.encode(silence))
        container.mux(tone.encode(None))
    with pytest.raises(TaskError, match=r"^film\.mp4 has no moving picture in it$"):
        stream(tmp_path, path.read_bytes())


def test_a_film_that_ends_early_is_streamed_as_far_as_it_goes_or_refused(tmp_path: Path) -> None:
    content = film(4, format="matroska")
    output, _ = stream(tmp_path, content[: len(content) // 2], variants=TWO[1:])
    assert 0 < output.duration < 4


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ("not json", 'not JSON; expected a list like [{"resolution": "1280x720", "bitrate": 2500000}]'),
        ("[" * 100_000, "not JSON; expected a list"),
        (json.dumps(TWO * 5000), "at most 8 variants"),
        ('{"resolution": "720p"}', "Field required"),
        ('[{"resolution": "wide", "bitrate": 100000}]', "String should match pattern"),
        ('[{"resolution": "99999x1", "bitrate": 100000}]', "String should match pattern"),
        ('[{"resolution": "720p", "bitrate": "fast"}]', "Input should be a valid integer"),
        ('[{"resolution": "720p", "bitrate": 0}]', "Input should be greater than or equal to 50000"),
        ('[{"resolution": "720p", "bitrate": 1e12}]', "Input should be less than or equal to 50000000"),
        ('[{"resolution": "720p", "bitrate": 100000, "preset": "x"}]', "Extra inputs are not permitted"),
        ("[1, 2]", "Input should be"),
        ("7", "Input should be"),
    ],
)
def test_variants_that_make_no_sense_are_one_clear_line(variants: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        HlsStreamingParams.model_validate({"variants": [variants]})
    issue = refused.value.errors()[0]
    assert issue["loc"][0] == "variants"
    assert said in issue["msg"]
    assert "\n" not in issue["msg"]


def test_variants_are_taken_as_one_field_or_as_one_each() -> None:
    wanted = HlsStreamingParams.model_validate({"variants": TWO}).variants
    assert HlsStreamingParams.model_validate({"variants": json.dumps(TWO)}).variants == wanted
    assert HlsStreamingParams.model_validate({"variants": [json.dumps(TWO)]}).variants == wanted
    assert HlsStreamingParams.model_validate({"variants": [json.dumps(each) for each in TWO]}).variants == wanted
    assert HlsStreamingParams.model_validate({"variants": [""]}).variants == []


@pytest.mark.parametrize(
    ("written", "bits"), [("2500k", 2_500_000), ("2.5M", 2_500_000), (2500, 2_500_000), (800_000, 800_000)]
)
def test_bit_rates_as_people_write_them(written: object, bits: int) -> None:
    (variant,) = HlsStreamingParams.model_validate({"variants": [{"resolution": 720, "bitrate": written}]}).variants
    assert (variant.bitrate, variant.resolution) == (bits, "720p")


@pytest.mark.parametrize(
    ("seen", "resolution", "size"),
    [
        ((1920, 1080), "1280x720", (1280, 720)),
        ((1920, 1080), "720p", (1280, 720)),
        ((1080, 1920), "720p", (720, 1280)),
        ((1080, 1920), "1280x720", (404, 720)),
        ((641, 481), None, (640, 480)),
        ((100, 2), "10x10", (10, 2)),
    ],
)
def test_sizes_fit_and_are_even(seen: tuple[int, int], resolution: str | None, size: tuple[int, int]) -> None:
    assert fit(*seen, resolution) == Size(*size)


def test_without_its_library_the_task_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert HlsStreamingTask().missing() is None
    monkeypatch.setattr("cl_ml_tools.requirement.find_spec", lambda name: None)
    lack = HlsStreamingTask().missing()
    assert lack is not None
    why, _, command = lack.partition(": ")
    assert why == "hls_streaming needs av, which the server does not have"
    pip, install, wanted = shlex.split(command)
    assert (pip, install) == ("pip", "install")
    # The version is the one that the extra asks for.
    asked = [Requirement(requirement) for requirement in requires("cl-client") or []]
    assert Requirement(wanted).specifier in [known.specifier for known in asked if known.name == "av"]


def test_all_libraries_that_a_task_lacks_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_ml_tools.requirement.find_spec", lambda name: None)
    lack = missing_library("face_embedding", "numpy", "onnxruntime")
    assert lack is not None
    assert lack.startswith("face_embedding needs numpy and onnxruntime, which the server does not have: pip install ")
    assert [Requirement(word).name for word in shlex.split(lack)[-2:]] == ["numpy", "onnxruntime"]


def test_no_frame_outlives_its_turn(tmp_path: Path) -> None:
    """A film has thousands, of megabytes each: a worker's memory would be full before the garbage collector comes."""
    gc.collect()
    gc.disable()
    try:
        stream(tmp_path, film(3), variants=TWO)
        alive = [found for found in gc.get_objects() if isinstance(found, av.VideoFrame)]
    finally:
        gc.enable()
    assert len(alive) < 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many threads there are")
def test_a_stream_of_many_frames_takes_no_more_threads_than_one_of_few(tmp_path: Path) -> None:
    tasks = Path("/proc/self/task")
    counted: list[int] = []

    class Watch(list[int]):
        def append(self, percent: int, /) -> None:
            counted.append(len(list(tasks.iterdir())))

    stream(tmp_path, film(3), Watch(), variants=TWO)
    assert max(counted) - counted[0] < 5
