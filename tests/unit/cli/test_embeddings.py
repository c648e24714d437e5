"""`cl-client embeddings similar`: cosines as a table, of vectors that can be compared."""

import io
import json
import struct
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cl_client.cli.commands.embeddings import similarity
from cl_client.cli.main import main
from cl_client.cli.views.embedding_file import Embedding

NUMBERS = st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3).map(tuple)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three vectors: the second at 60° to the first, the third against it."""
    monkeypatch.chdir(tmp_path)
    for name, vector in {"a": [2, 0], "b": [0.5, 0.75**0.5], "c": [-1, 0]}.items():
        numpy.save(f"{name}.npy", numpy.array(vector, dtype=numpy.float32))
    return tmp_path


def similar(*files: str) -> int:
    return main(["embeddings", "similar", *files])


def test_similarities_are_a_table(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert similar("a.npy", "b.npy", "c.npy") == 0
    assert capsys.readouterr().out.splitlines() == [
        "FILE           1       2       3",
        "a.npy  1   1.000   0.500  -1.000",
        "b.npy  2   0.500   1.000  -0.500",
        "c.npy  3  -1.000  -0.500   1.000",
    ]


def test_as_json_a_line_is_a_vector_with_all_its_similarities(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert similar("a.npy", "b.npy", "--json") == 0
    first, _ = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"file": "a.npy", "similarity": {"a.npy": 1.0, "b.npy": 0.5}}


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_files_are_read_as_numpy_writes_them(
    folder: Path, capsys: pytest.CaptureFixture[str], kind: str, version: tuple[int, int]
):
    """With several vectors (faces) in one, too."""
    with (folder / "faces.npy").open("wb") as file:
        numpy.lib.format.write_array(file, numpy.array([[1, 0], [0, 1]], dtype=kind), version)
    assert similar("faces.npy", "a.npy", "--json") == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["file"] for record in records] == ["faces.npy#1", "faces.npy#2", "a.npy"]
    assert records[2]["similarity"] == {"faces.npy#1": 1.0, "faces.npy#2": 0.0, "a.npy": 1.0}


def result(folder: Path, name: str, model: str) -> str:
    record = {"job_id": "7", "output": {"embedding": [1, 0], "model_sha256": model}}
    (folder / name).write_text(json.dumps(record))
    return name


def test_vectors_of_different_models_are_not_compared(folder: Path, capsys: pytest.CaptureFixture[str]):
    one, same, other = result(folder, "1.json", "aa"), result(folder, "2.json", "aa"), result(folder, "3.json", "bb")
    assert similar(one, same, "a.npy") == 0
    assert similar(one, "a.npy", other) == 2
    assert "1.json and 3.json are of different models" in capsys.readouterr().err


HEAD = "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}"


def npy(header: str) -> bytes:
    """A file with any header, and no numbers."""
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header.encode()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("long.npy", None, "a.npy has 2 numbers and long.npy 3"),
        ("text.npy", b"no vectors", "text.npy holds no embeddings"),
        ("empty.npy", b"", "empty.npy holds no embeddings"),
        ("cut.npy", b"\x93NUMPY\x01\x00v\x00{", "cut.npy holds no embeddings"),
        ("short.npy", b"\x93NUMPY", "short.npy holds no embeddings"),
        ("long_head.npy", npy("{'descr': '<f4', " + " " * 20_000 + "}"), "long_head.npy holds no embeddings"),
        ("deep.npy", npy("(" * 5_000), "deep.npy holds no embeddings"),
        ("minus.npy", npy("-" * 9_000 + "1"), "minus.npy holds no embeddings"),
        ("huge.npy", npy(HEAD.format("1000000000000, 1000000000000")), "huge.npy holds no embeddings"),
        ("negative.npy", npy(HEAD.format("-5,")), "negative.npy holds no embeddings"),
        ("code.npy", npy(HEAD.format("10**9,")), "code.npy holds no embeddings"),
        ("zero.npy", npy(HEAD.format("0, 3")), "zero.npy holds no embeddings"),
        ("empty.npy", npy(HEAD.format("3, 0")), "empty.npy holds no embeddings, neither as .npy nor as JSON: no v"),
        ("nan.json", b'{"embedding": [NaN, 1]}', "nan.json holds no embeddings"),
        ("words.json", b'{"embedding": "words"}', "words.json holds no embeddings"),
        ("none.json", b'{"embedding": []}', "none.json holds no embeddings"),
        ("deep.json", b"[" * 100_000, "deep.json holds no embeddings"),
    ],
)
def test_what_is_no_vector_of_that_length_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, said: str
):
    if content is None:
        numpy.save(name, numpy.ones(3, dtype=numpy.float32))
    else:
        (folder / name).write_bytes(content)
    assert similar("a.npy", name) == 2
    error, *_ = capsys.readouterr().err.splitlines()
    assert said in error


def test_objects_in_a_file_are_not_made(folder: Path, capsys: pytest.CaptureFixture[str]):
    """A `.npy` file can hold pickles, which run what they like."""
    numpy.save("objects.npy", numpy.array([{}], dtype=object), allow_pickle=True)
    assert similar("a.npy", "objects.npy") == 2
    assert "|O" in capsys.readouterr().err


@pytest.mark.parametrize(("files", "said"), [(["a.npy"], "nothing to be compared with"), (["x.npy"], "does not exist")])
def test_two_are_needed(folder: Path, capsys: pytest.CaptureFixture[str], files: list[str], said: str):
    assert similar(*files) == 2
    assert said in capsys.readouterr().err


@settings(max_examples=50)
@given(NUMBERS, NUMBERS)
def test_it_is_the_cosine_that_numpy_reckons(one: tuple[float, ...], other: tuple[float, ...]):
    found = similarity(Embedding("a", one), Embedding("b", other))
    lengths = numpy.linalg.norm(one) * numpy.linalg.norm(other)
    assert found == pytest.approx(numpy.dot(one, other) / lengths if lengths > 1e-30 else found, abs=1e-6)
    assert -1 <= found <= 1


def test_one_of_them_comes_on_stdin(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    with (folder / "b.npy").open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert similar("a.npy", "-", "--json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["similarity"] == {"a.npy": 1.0, "stdin": 0.5}
    assert second["file"] == "stdin"
