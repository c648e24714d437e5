"""The JavaScript libraries of the page."""

import hashlib

import pytest

from cl_server.settings import Operation
from cl_server.settings_error import SettingsError
from tests.vendored import ROOT, read_lock


def test_every_library_is_the_file_of_the_lock_with_its_licence() -> None:
    libraries, sums = read_lock()
    for place, expected in sums.items():
        assert hashlib.sha256((ROOT / place).read_bytes()).hexdigest() == expected, place
    for library in libraries.values():
        assert set(library["files"].values()) <= sums.keys()
        assert any(place.endswith("LICENSE.txt") for place in library["files"].values())
    vendored = (ROOT / "src/cl_server/page/static/vendor").iterdir()
    assert {path.relative_to(ROOT).as_posix() for path in vendored} <= sums.keys()


def test_the_page_without_its_player_is_small() -> None:
    static = ROOT / "src/cl_server/page/static"
    sizes = [path.stat().st_size for path in static.rglob("*") if path.suffix in {".js", ".css", ".svg"}]
    player = (static / "vendor" / "hls.js").stat().st_size
    assert sum(sizes) - player < 150_000


def test_the_page_can_be_turned_off() -> None:
    assert Operation.from_env({}).page
    off = Operation.from_env({"CL_PAGE": "off"})
    assert not off.page
    assert Operation.from_env(off.environment()) == off
    with pytest.raises(SettingsError, match="CL_PAGE is on or off, not 'no'"):
        Operation.from_env({"CL_PAGE": "no"})
