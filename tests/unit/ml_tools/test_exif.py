import io
import json
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational
from pydantic import ValidationError

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media import heif, xmp
from cl_ml_tools.plugins.exif.schema import ExifOutput, ExifParams
from cl_ml_tools.plugins.exif.tags import plain
from cl_ml_tools.plugins.exif.task import ExifTask
from tests.media import photo
from tests.media.camera import camera
from tests.media.heic import heic

CARRIERS = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"]


def file(
    folder: Path, carrier: str = "JPEG", exif: Image.Exif | None = None, size: tuple[int, int] = (120, 80)
) -> Path:
    path = folder / "source"
    picture = photo.corners(*size)
    if carrier == "HEIC":
        path.write_bytes(heic(picture, exif))
    elif exif is None:
        picture.save(path, carrier)
    else:
        # As bytes, because Pillow's TIFF leaves out the directories of an object.
        picture.save(path, carrier, exif=exif.tobytes())
    return path


def extract(path: Path, tags: str | None = None) -> ExifOutput:
    params = {"input_paths": [str(path)], "input_names": ["photo.jpg"], "tags": tags}
    return ExifTask().process(ExifParams.model_validate(params), lambda percent: None)


def extract_or_refuse(path: Path) -> ExifOutput | str:
    try:
        return extract(path)
    except TaskError as refused:
        return str(refused)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_format_gives_what_the_camera_wrote(tmp_path: Path, carrier: str) -> None:
    output = extract(file(tmp_path, carrier, camera()))
    assert (output.make, output.model, output.lens_model) == ("Acme", "Box 3", "35mm F2.8")
    assert output.taken_at == "2025-06-07T08:09:10-03:00"
    assert (output.exposure_time, output.f_number, output.iso, output.focal_length) == (0.004, 2.8, 400, 35)
    assert output.gps_latitude == pytest.approx(-54.8083333)
    assert output.gps_longitude == pytest.approx(-68.3)
    assert output.gps_altitude == 23.5
    assert (output.width, output.height) == (120, 80)
    assert output.metadata["UserComment"] == "on the way"
    assert output.metadata["GPSLatitude"] == [54, 48, 30]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_turned_picture_tells_how_and_has_the_size_that_is_seen(tmp_path: Path, carrier: str) -> None:
    output = extract(file(tmp_path, carrier, camera(orientation=6), size=(80, 120)))
    assert output.orientation == output.metadata["Orientation"] == 6
    assert (output.width, output.height) == (120, 80)


@pytest.mark.parametrize("carrier", [*CARRIERS, "GIF", "BMP"])
def test_a_picture_without_exif_has_its_size_and_no_more(tmp_path: Path, carrier: str) -> None:
    output = extract(file(tmp_path, carrier), tags="Make,DateTimeOriginal,GPSLatitude")
    assert output.metadata == {}
    assert (output.width, output.height) == (120, 80)
    assert (output.make, output.taken_at, output.orientation, output.gps_latitude) == (None, None, None, None)


def test_a_comma_list_chooses_tags_whatever_their_case(tmp_path: Path) -> None:
    path = file(tmp_path, exif=camera())
    assert extract(path, " make , EXIF:Model,,GPS:gpsaltitude, NoSuchTag").metadata == {
        "Make": "Acme",
        "Model": "Box 3",
        "GPSAltitude": 23.5,
    }
    assert extract(path, "").metadata == {}
    assert extract(path, "Make").model == "Box 3"


@pytest.mark.parametrize(
    "tags",
    [
        "-execute",
        "-if,system('touch pwned')",
        "-o,/tmp/pwned",
        "--config=x",
        "-Make=evil",
        "$(touch pwned)",
        "; touch pwned",
        "-@,/etc/passwd",
        "-stay_open,True",
        "\n-execute\n",
        "\0",
        "-" * 4000,
    ],
)
def test_what_looks_like_a_flag_is_the_name_of_a_tag_that_is_not_there(
    tmp_path: Path, tags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path, exif=camera())
    before = path.read_bytes()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
    assert extract(path, tags).metadata == {}
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["source"]


def test_a_list_of_tags_has_an_end() -> None:
    with pytest.raises(ValidationError, match="at most 4000 characters"):
        ExifParams(tags="x" * 4001)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Acme\0\0junk", "Acme"),
        ("  padded ", "padded"),
        ("\ud800", "?"),
        ("x" * 5000, "x" * 2000),
        (b"0231", "0231"),
        (b"\x03", 3),
        (b"\x00\xff\x80", "(3 bytes)"),
        (b"UNICODE\0" + "höhe".encode("utf-16-le"), "höhe"),
        (b"UNICODE\0" + "höhe".encode("utf-16"), "höhe"),
        (b"ASCII\0\0\0\xff", "(9 bytes)"),
        (True, 1),
        ((1, 2.5, "a"), [1, 2.5, "a"]),
        (tuple(range(65)), "(65 values)"),
        (IFDRational(1, 4), 0.25),
        (IFDRational(0, 0), None),
        (IFDRational(1, 0), None),
        (float("nan"), None),
        (float("inf"), None),
        (object(), None),
    ],
)
def test_every_value_fits_into_json(value: object, said: object) -> None:
    assert plain(value) == said
    json.dumps(plain(value), allow_nan=False).encode()


def test_the_texts_of_windows_are_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.XPTitle] = "Über den Fluss\0".encode("utf-16-le")
    assert extract(file(tmp_path, exif=exif)).metadata["XPTitle"] == "Über den Fluss"


@pytest.mark.parametrize(
    ("written", "offset", "read"),
    [
        ("2025:06:07 08:09:10", None, "2025-06-07T08:09:10"),
        ("2025:06:07 08:09:10", "+02:00", "2025-06-07T08:09:10+02:00"),
        ("2025:06:07 08:09:10", "nonsense", "2025-06-07T08:09:10"),
        ("0000:00:00 00:00:00", None, None),
        ("    :  :     :  :  ", None, None),
        ("yesterday", None, None),
    ],
)
def test_the_time_is_iso_8601_or_nothing(tmp_path: Path, written: str, offset: str | None, read: str | None) -> None:
    exif = Image.Exif()
    exif[Base.DateTime] = written
    if offset is not None:
        exif.get_ifd(IFD.Exif)[Base.OffsetTime] = offset
    assert extract(file(tmp_path, exif=exif)).taken_at == read


@pytest.mark.parametrize("latitude", [(IFDRational(91),), (IFDRational(0, 0), 0, 0), (1, 2, 3, 4), ()])
def test_a_place_that_is_none_is_left_out(tmp_path: Path, latitude: object) -> None:
    exif = Image.Exif()
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitude: latitude, GPS.GPSLatitudeRef: "N"})
    assert extract(file(tmp_path, exif=exif)).gps_latitude is None


def test_metres_below_the_sea_are_negative(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSAltitude: IFDRational(12), GPS.GPSAltitudeRef: b"\x01"})
    assert extract(file(tmp_path, exif=exif)).gps_altitude == -12


def test_a_directory_that_points_nowhere_does_not_hide_the_others(tmp_path: Path) -> None:
    content = file(tmp_path, exif=camera()).read_bytes()
    entry = b"\x88\x25\x00\x04\x00\x00\x00\x01"
    place = content.index(entry) + len(entry)
    path = photo.write(tmp_path / "source", content[:place] + b"\x00\xff\xff\xff" + content[place + 4 :])
    output = extract(path)
    assert (output.make, output.iso, output.gps_latitude) == ("Acme", 400, None)


def test_exif_of_random_bytes_never_breaks_the_job(tmp_path: Path) -> None:
    content = file(tmp_path, exif=camera()).read_bytes()
    start = content.index(b"Exif\0\0") + 14
    for place in range(start, start + 300, 3):
        broken = bytearray(content)
        broken[place : place + 4] = b"\xff\x7f\xfe\x01"
        path = photo.write(tmp_path / "broken.jpg", bytes(broken))
        said = extract_or_refuse(path)
        if isinstance(said, str):
            assert "\n" not in said
        else:
            json.dumps(said.model_dump(mode="json"), allow_nan=False)


def test_a_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"^photo\.jpg is not an image that Pillow can read \(text/plain\)$"):
        extract(photo.write(tmp_path / "source", b"no picture"))


def test_without_its_reader_heic_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heif, "teach", lambda: False)
    with pytest.raises(TaskError, match=r"photo\.jpg is HEIC, which this server cannot read: pip install"):
        extract(file(tmp_path, "HEIC"))


def test_damaged_heic_is_one_line(tmp_path: Path) -> None:
    content = heic(photo.corners())
    for length in (20, 100, 300, len(content) - 10):
        path = photo.write(tmp_path / "source", content[:length])
        said = extract_or_refuse(path)
        assert not isinstance(said, str) or said.startswith("photo.jpg is ")


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_is_read_upright_by_the_other_tasks(tmp_path: Path, orientation: int) -> None:
    from cl_ml_tools.media.appearance import upright
    from cl_ml_tools.media.picture import open_picture

    turn = photo.TURNS[orientation]
    stored = photo.corners() if turn is None else photo.corners().transpose(turn)
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    with open_picture(photo.write(tmp_path / "a.heic", heic(stored, exif)), "a.heic") as picture:
        seen = upright(picture)
        seen.save(io.BytesIO(), "PNG")
        assert photo.corner_colours(seen) == ["red", "lime", "blue", "white"]


@pytest.mark.parametrize(
    ("latitude", "reference", "read"),
    [
        ((IFDRational(54), IFDRational(48), IFDRational(30)), "S", -54.8083333),
        ((IFDRational(54), IFDRational(48), IFDRational(30)), "s", -54.8083333),
        ((IFDRational(54), IFDRational(48), IFDRational(30)), "South", -54.8083333),
        ((IFDRational(548083333, 10_000_000), 0, 0), "N", 54.8083333),
        ((IFDRational(54), IFDRational(4850, 100), 0), "N", 54.8083333),
        ((IFDRational(54), IFDRational(48), IFDRational(60)), "N", 54.8166667),
        # A place without a direction, or with the wrong one, is no place; nor is one of 75 minutes.
        ((IFDRational(54), IFDRational(48), IFDRational(30)), None, None),
        ((IFDRational(54), IFDRational(48), IFDRational(30)), "E", None),
        ((IFDRational(54), IFDRational(75), IFDRational(30)), "N", None),
        ((IFDRational(54), IFDRational(0, 0), IFDRational(30)), "N", None),
        ((IFDRational(90), IFDRational(0), IFDRational(1)), "N", None),
    ],
)
def test_degrees_are_right_or_null(latitude: object, reference: str | None, read: float | None, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = latitude
    if reference is not None:
        exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitudeRef] = reference
    found = extract(file(tmp_path, exif=exif)).gps_latitude
    assert found == (None if read is None else pytest.approx(read, abs=1e-6))


@pytest.mark.parametrize(
    ("written", "offset", "read"),
    [
        ("2025-06-07 08:09:10", None, "2025-06-07T08:09:10"),
        ("2025:06:07 08:09:10.25", "+0200", "2025-06-07T08:09:10+02:00"),
        ("2025:06:07T08:09:10", "Z", "2025-06-07T08:09:10+00:00"),
        ("2025:06:07 08:09:10", "+99:00", "2025-06-07T08:09:10"),
        ("2025:06:07 08:09:10", "02:00", "2025-06-07T08:09:10"),
        ("2025:13:07 08:09:10", None, None),
        ("2025:06:07 24:00:00", None, None),
        ("2025:06:07", None, None),
    ],
)
def test_times_of_odd_writers_are_right_or_null(
    written: str, offset: str | None, read: str | None, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[Base.DateTime] = written
    if offset is not None:
        exif.get_ifd(IFD.Exif)[Base.OffsetTime] = offset
    assert extract(file(tmp_path, exif=exif)).taken_at == read


def test_texts_are_read_as_the_utf_8_that_most_writers_write(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.Artist] = "Zoë Müller".encode()
    assert extract(file(tmp_path, exif=exif)).metadata["Artist"] == "Zoë Müller"


XMP = b"""<?xpacket?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:own="http://example.org/own/1.0/" own:note="mine">
<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>ice</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF>
</x:xmpmeta>"""


def test_tags_are_chosen_by_group_too(tmp_path: Path) -> None:
    path = tmp_path / "source.jpg"
    photo.corners().save(path, "JPEG", xmp=XMP)
    assert extract(path, "XMP:subject").metadata == {"XMP-dc:Subject": ["sea", "ice"]}
    assert extract(path, "Note").metadata == {"XMP-own:Note": "mine"}
    assert extract(path, "IPTC:Subject").metadata == {}


@pytest.mark.parametrize(
    "packet",
    [
        b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]><x>&b;</x>",
        b"<x:xmpmeta><unclosed>",
        XMP.replace(b"<rdf:RDF", b"<rdf:RDF\0"),
        '<!DOCTYPE x [<!ENTITY a "a">]>'.encode("utf-16-le") + XMP.decode().encode("utf-16-le"),
        b"\xff\xfe\0\0",
        b"<a>" * 100_000,
        b"no XML",
    ],
)
def test_xmp_that_is_none_is_left_out(packet: bytes) -> None:
    assert xmp.values(packet) == {}


def test_xmp_without_end_is_bounded() -> None:
    many = b"".join(b"<dc:p%d>x</dc:p%d>" % (number, number) for number in range(5_000))
    head, tail = XMP.split(b"<dc:subject>")[0], b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    assert len(xmp.values(head + many + tail)) <= xmp.MOST
