"""A manifest that mentions what a server has no more."""

from pathlib import Path

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.manifest.prune import stale, without
from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec
from tests.codegen_server.folders import server_spec

TEXT = """\
# How people call it.

# Resizes.
[resize]
operation = "create_resize_job"
# shrinks
verb = "shrink"
example = '''
[not a table]
print("x")
'''

[resize.names]
image = "file"

# Hashes.
[hash]
operation = "create_hash_job"
"""


def manifest(folder: Path, text: str) -> Manifest:
    path = folder / "plugins.toml"
    path.write_text(text, encoding="utf-8")
    return Manifest.load(path)


def test_a_table_is_taken_out_with_its_comment_and_the_rest_stays_as_it_was_written(tmp_path):
    spec = server_spec()
    del spec["paths"]["/jobs/resize"]
    normal, _ = normalise(Spec.of(Path("server.json"), spec))
    written = manifest(tmp_path, TEXT)
    gone = stale(written, normal)
    assert [entry.plugin for entry in gone] == ["resize"]
    left = without(written, gone)
    assert left == '# How people call it.\n\n\n# Hashes.\n[hash]\noperation = "create_hash_job"\n'
    assert [entry.plugin for entry in manifest(tmp_path, left).entries] == ["hash"]


def test_the_last_table_and_all_tables(tmp_path):
    written = manifest(tmp_path, TEXT)
    last = tuple(entry for entry in written.entries if entry.plugin == "hash")
    assert "[hash]" not in without(written, last)
    assert "[not a table]" in without(written, last)
    assert manifest(tmp_path, without(written, written.entries)).entries == ()
