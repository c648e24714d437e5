"""The manifest: what it says, and its errors, which name the line."""

from pathlib import Path

import pytest

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.spec.spec import SpecError

GOOD = """\
# A comment.
[image_conversion]
operation = "create_image_conversion_job"
verb = "convert"
method = "convert_image"
names = { image = "file", output_format = "format" }
order = ["image", "output_format"]
artifact = "output_path"
flags = { output_format = ["--format", "-f"], quality = "-q" }
"""


def load(folder: Path, text: str) -> Manifest:
    path = folder / "plugins.toml"
    path.write_text(text, encoding="utf-8")
    return Manifest.load(path)


def test_a_table_is_read(tmp_path):
    (entry,) = load(tmp_path, GOOD).entries
    assert (entry.plugin, entry.group, entry.verb, entry.method) == (
        "image_conversion",
        "image-conversion",
        "convert",
        "convert_image",
    )
    assert entry.names == {"image": "file", "output_format": "format"}
    assert entry.flags == {"output_format": ("--format", "-f"), "quality": ("-q",)}
    assert entry.order == ("image", "output_format")
    assert entry.artifact == "output_path"


def test_what_is_left_out_is_derived(tmp_path):
    (entry,) = load(tmp_path, '[hash]\noperation = "create_hash_job"\nverb = "look-up"\n').entries
    assert (entry.group, entry.method, entry.names, entry.artifact) == ("hash", "look_up", {}, None)


def test_without_a_file_there_is_an_empty_manifest(tmp_path):
    assert Manifest.load(tmp_path / "plugins.toml").entries == ()


def test_a_folder_in_its_place_is_refused(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        Manifest.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[hash]\nverb = \n", 2, "not TOML"),
        ('[hash]\n[image]\nx = "', 3, "not TOML"),
        ('x = "y"', 1, "[x] table: expected a table"),
        ("\n[hash]\n", 2, "[hash] operation: expected the operation id"),
        ('[hash]\noperation = "o"\nverbs = "x"\n', 3, "[hash] verbs: there is no such key; verb?"),
        ('[hash]\noperation = "o"\nzzz = "x"\n', 3, "[hash] zzz: there is no such key (there are: artifact,"),
        ('[Hash]\noperation = "o"\n', 1, "[Hash] table: the name is an attribute of the client: write [hash]"),
        ('[class]\noperation = "o"\n', 1, "write [class_]"),
        ("[hash]\noperation = 3\n", 2, "[hash] operation: expected a string"),
        ('[hash]\noperation = " "\n', 2, "expected a string"),
        ('[hash]\noperation = "o"\n\nverb = "Do it"\n', 4, "'Do it' isn't a word of a command line"),
        ('[hash]\noperation = "o"\ngroup = "--x"\n', 3, "'--x' isn't a word of a command line"),
        ('[hash]\noperation = "o"\nmethod = "do-it"\n', 3, "'do-it' isn't a Python name; do_it?"),
        ('[hash]\noperation = "o"\nview = "tabel"\n', 3, "view: there is no view 'tabel'; table?"),
        ('[hash]\noperation = "o"\nnames = "x"\n', 3, "names: expected a table"),
        ('[hash]\noperation = "o"\nnames = { "a-b" = "c" }\n', 3, "'a-b' isn't a Python name; a_b?"),
        ('[hash]\noperation = "o"\n[hash.names]\na = "b"\nc = 3\n', 5, "names: expected a string for c"),
        ('[hash]\noperation = "o"\norder = "x"\n', 3, "order: expected a list of different names"),
        ('[hash]\noperation = "o"\norder = ["x", "x"]\n', 3, "order: expected a list of different names"),
        ('[hash]\noperation = "o"\nflags = { a = "x" }\n', 3, "a: expected flags such as -f or --format"),
        ('[hash]\noperation = "o"\nflags = { a = [] }\n', 3, "a: expected flags such as -f or --format"),
        ('[hash]\noperation = "o"\n[hash.flags]\na = "-x"\nb = "-x"\n', 5, "-x is given twice"),
        ('[a]\noperation = "o"\n["b"]\noperation = "o"\nverb = ""\n', 5, "[b] verb: expected a string"),
    ],
)
def test_an_error_names_the_line(tmp_path, text, line, said):
    with pytest.raises(SpecError) as raised:
        load(tmp_path, text)
    assert raised.value.place == f"line {line}"
    assert said in str(raised.value)
