"""Fingerprints a file."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from cl_ml_tools.compute_module import BlockingModule, ProgressCallback, Submit, TaskError
from cl_ml_tools.media import colour
from cl_ml_tools.media.appearance import opaque, orientation, resizable, upright
from cl_ml_tools.media.picture import open_picture
from cl_ml_tools.media.transparency import is_transparent
from cl_ml_tools.plugins.hash.schema import HashOutput, HashParams

if TYPE_CHECKING:
    from PIL import Image

PIECE = 1 << 20
# Of perceptual hashes: it changes when the same file gets another one. 2 is of what is seen: flattened on white, scaled
# from black to white as the file means it, and in sRGB.
VERSION = 2
ENOUGH = 256
ROWS = 256


class HashTask(BlockingModule[HashParams]):
    """Cryptographic hashes of the bytes, perceptual hashes (ImageHash) of the picture."""

    task_type = "hash"
    schema = HashParams
    output_schema = HashOutput
    submit = Submit("Fingerprint a file", file="The file to fingerprint.")

    def setup(self) -> None:
        from PIL import Image

        # The first hash imports numpy and scipy, which takes longer than the hash.
        picture = Image.new("L", (32, 32))
        phash(picture)
        dhash(picture)

    def process(self, params: HashParams, progress: ProgressCallback) -> HashOutput:
        path = Path(params.input_paths[0])
        wanted = params.algorithm
        output = HashOutput()
        if wanted in {"all", "phash", "dhash"}:
            try:
                with open_picture(path, params.name_of()) as opened:
                    picture = upright(looked_at(opened), orientation(opened))
                    output.hash_version = VERSION
                    output.phash = phash(picture) if wanted != "dhash" else None
                    output.dhash = dhash(picture) if wanted != "phash" else None
            except TaskError:
                # Not a picture, a damaged one, or one that is too large: its bytes are there all the same.
                if wanted != "all":
                    raise
        if wanted in {"all", "sha256", "md5"}:
            sha256 = hashlib.sha256()
            md5 = hashlib.md5(usedforsecurity=False)
            size = max(path.stat().st_size, 1)
            done = 0
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    if wanted != "md5":
                        sha256.update(piece)
                    if wanted != "sha256":
                        md5.update(piece)
                    done += len(piece)
                    if done % (64 * PIECE) == 0:
                        progress(done * 100 // size)
            output.sha256 = sha256.hexdigest() if wanted != "md5" else None
            output.md5 = md5.hexdigest() if wanted != "sha256" else None
        return output


def looked_at(picture: "Image.Image") -> "Image.Image":
    """What a perceptual hash is of: L or RGB in sRGB, on white."""
    if not colour.needs_conversion(picture):
        if is_transparent(picture):
            return grey_on_white(picture)
        if picture.mode in {"1", "P"}:
            return picture.convert("L")
    flat = resizable(picture)
    if not colour.needs_conversion(flat):
        return opaque(flat)
    # Converting colours takes longer than all the rest, and a hash is of 32 × 32 pixels.
    return opaque(flat.reduce(max(min(flat.size) // ENOUGH, 1)))


def grey_on_white(picture: "Image.Image") -> "Image.Image":
    """A picture on white as L, some rows at a time: all its colours at once take more memory than all the rest."""
    from PIL import Image

    made = Image.new("L", picture.size, 255)
    for top in range(0, picture.height, ROWS):
        rows = resizable(picture.crop((0, top, picture.width, min(top + ROWS, picture.height))))
        made.paste(rows.convert("L"), (0, top), rows.getchannel("A"))
    return made


def phash(picture: "Image.Image") -> str:
    """The perceptual hash (DCT) of a picture, 16 hexadecimal digits."""
    import imagehash

    return str(imagehash.phash(small(picture, 32, 32)))


def dhash(picture: "Image.Image") -> str:
    """The difference hash of a picture, 16 hexadecimal digits."""
    import imagehash

    return str(imagehash.dhash(small(picture, 9, 8)))


def small(picture: "Image.Image", width: int, height: int) -> "Image.Image":
    """A picture as ImageHash makes it first, but without a copy of one that is grey already."""
    from PIL import Image

    grey = picture if picture.mode == "L" else picture.convert("L")
    return grey.resize((width, height), Image.Resampling.LANCZOS)
