"""Whatever a server calls its files, they stay in the folder, and none takes the place of another."""

import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cl_client.errors import DownloadError
from cl_client.files.local_names import local_names, place_in


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../x",
        "output/../../x",
        "output/..",
        "..\\x",
        "\\\\host\\share",
        "a//b",
        "a/./b",
        "",
        ".",
        "a\0b",
        "a/",
    ],
)
def test_a_name_that_points_outside_is_refused(name: str):
    with pytest.raises(DownloadError, match="points outside"):
        local_names([name])


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("output/photo.jpg", "photo.jpg"),
        ("output/720p/seg 1.ts", "720p/seg 1.ts"),
        ("output", "output"),
        ("other/x", "other/x"),
        ("output/C:\\Windows\\x", "C_/Windows/x"),
        ("output/a:b", "a_b"),
        ("output/con", "_con"),
        ("output/NUL.txt", "_NUL.txt"),
        ("output/com1.tar.gz", "_com1.tar.gz"),
        ("output/console.txt", "console.txt"),
        ("output/a. .", "a___"),
        ("output/a\nb\x1b", "a_b_"),
        ("output/" + "é" * 300 + ".jpeg", "é" * 97 + ".jpeg"),
    ],
)
def test_a_name_that_some_system_cannot_have_becomes_a_similar_one(name: str, local: str):
    assert local_names([name]) == {name: PurePosixPath(local)}


def test_names_that_differ_in_case_alone_do_not_meet():
    paths = ["output/a.txt", "output/A.txt", "output/a?.txt", "output/a*.txt", "output/e\u0301", "output/\u00e9"]
    assert [str(name) for name in local_names(paths).values()] == [
        "a.txt", "A (2).txt", "a_.txt", "a_ (2).txt", "e\u0301", "\u00e9 (2)",
    ]  # fmt: skip


part = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["..", ".", "", "C:", "con", "NUL.txt", "output", "~", "a" * 300, "\ud800", "e\u0301", "é", "E\u0301"]
    ),
)


@given(st.lists(st.tuples(st.lists(part, max_size=4), st.sampled_from(["/", "\\"])), max_size=5))
def test_no_name_leads_outside_and_no_two_meet(names: list[tuple[list[str], str]]):
    paths = {separator.join(parts) for parts, separator in names}
    try:
        local = local_names(paths)
    except DownloadError:
        return
    for name in local.values():
        assert not name.is_absolute()
        assert ".." not in name.parts
        assert all(0 < len(each.encode()) <= 255 for each in name.parts)
    assert len({unicodedata.normalize("NFC", str(name)).casefold() for name in local.values()}) == len(paths)


def test_a_link_in_the_way_is_not_followed(tmp_path: Path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "file").symlink_to(outside / "file")
    for name in ("link/x", "link/deeper/x", "file"):
        with pytest.raises(DownloadError, match="is a link"):
            place_in(folder, PurePosixPath(name))
    assert place_in(folder, PurePosixPath("a/b/c")) == folder / "a" / "b" / "c"
    (folder / "plain").touch()
    with pytest.raises(DownloadError, match="cannot write"):
        place_in(folder, PurePosixPath("plain/x"))
    assert list(outside.iterdir()) == []
