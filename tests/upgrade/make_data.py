"""`python -m tests.upgrade.make_data` has the first version fill a data folder, and keeps it as a small file."""

import json
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.media.photo import photo
from tests.upgrade import older

DATA = Path(__file__).with_name("version_0_1_0.zip")
EXPECTED = "expected.json"
# Of the running stack, not of the data.
LEFT_OUT = ("logs", "spool", "workers", "mosquitto.conf", "mosquitto.acl", "mosquitto.passwords")


def make(target: Path) -> None:
    """Write the data folder, and what is in it, to a zip file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, picture = folder / "data", folder / "picture.jpg"
        picture.write_bytes(photo(64, 48))
        program = Path(older.__file__).with_name("as_the_first_version.py")
        told = older.run(program, older.unpack(folder / "version"), "data", str(data), str(picture))
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(EXPECTED, json.dumps({**json.loads(told), "folder": str(data)}, indent=1))
            for path in sorted(data.rglob("*")):
                inside = path.relative_to(data)
                if path.suffix != ".lock" and path.name != "lock" and inside.parts[0] not in LEFT_OUT:
                    packed.write(path, inside)


if __name__ == "__main__":
    make(DATA)
    sys.stdout.write(f"wrote {DATA}, {DATA.stat().st_size} bytes\n")
