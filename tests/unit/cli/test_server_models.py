"""`cl-client server models`: what is there, what is added, and what does not work."""

import json
import re
from pathlib import Path

import pytest
from onnx import TensorProto

from cl_client.cli.main import main
from cl_ml_tools.models import ARCFACE, CLIP, DINO, KNOWN, YUNET, sha256_of
from tests.media import tiny_models

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CL_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def records(capsys: Output) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_file_that_a_plugin_looks_for_is_listed(capsys: Output, folder: Path):
    tiny_models.embedder(folder / CLIP.name, 512)
    assert main(["server", "models", "list", "--json"]) == 0
    listed = {record["name"]: record for record in records(capsys)}
    assert list(listed) == [model.name for model in KNOWN]
    assert listed[CLIP.name]["sha256"] == sha256_of(folder / CLIP.name)
    assert (listed[ARCFACE.name]["there"], listed[YUNET.name]["optional"]) == (False, True)
    assert main(["server", "models", "list"]) == 0
    out, err = capsys.readouterr()
    assert f"{ARCFACE.name}: missing" in out
    assert str(folder) in err


@pytest.mark.parametrize("named", [[], ["--as", "clip_embedding"], ["--as", CLIP.name]])
def test_a_file_is_tried_and_put_where_the_server_looks(capsys: Output, folder: Path, tmp_path: Path, named: list[str]):
    source = tiny_models.embedder(tmp_path / ("vision.onnx" if named else CLIP.name), 512)
    assert main(["server", "models", "add", str(source), *named, "--json"]) == 0
    (record,) = records(capsys)
    assert record["path"] == str(folder / CLIP.name)
    assert record["sha256"] == sha256_of(source)
    assert [path.name for path in folder.iterdir()] == [CLIP.name]


def test_yunet_is_tried_as_what_it_is(capsys: Output, folder: Path, tmp_path: Path):
    assert main(["server", "models", "add", str(tiny_models.yunet(tmp_path / YUNET.name))]) == 0
    wrong = tiny_models.embedder(tmp_path / "wrong.onnx", 8)
    assert main(["server", "models", "add", str(wrong), "--as", "face_detection"]) != 0
    assert "is no YuNet model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"), [(b"no model", "no ONNX model that can be loaded"), (None, "takes 1×3×32×32, and not")]
)
def test_what_does_not_fit_is_not_added(capsys: Output, folder: Path, tmp_path: Path, content: bytes | None, said: str):
    source = tmp_path / CLIP.name
    if content is None:
        tiny_models.embedder(source, 512, side=32)
    else:
        source.write_bytes(content)
    assert main(["server", "models", "add", str(source)]) != 0
    assert said in capsys.readouterr().err
    assert not folder.exists()


def test_a_file_that_nobody_looks_for_is_refused_with_what_is(capsys: Output, tmp_path: Path):
    source = tiny_models.embedder(tmp_path / "mine.onnx", 8)
    assert main(["server", "models", "add", str(source)]) != 0
    err = capsys.readouterr().err
    assert "mine.onnx is no model that a plugin uses" in err
    assert CLIP.name in err
    assert main(["server", "models", "add", str(tmp_path / "none.onnx")]) != 0
    assert "there is no file" in capsys.readouterr().err


def test_check_tries_what_is_there(capsys: Output, folder: Path):
    tiny_models.embedder(folder / CLIP.name, 512)
    assert main(["server", "models", "check"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{CLIP.name}: works: a vector of 512\n"
    assert f"{ARCFACE.name} is missing: face_embedding is not offered" in err
    (folder / ARCFACE.name).write_bytes(b"no model")
    assert main(["server", "models", "check", "--json"]) != 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["works"] for line in out.splitlines()] == [True, False]
    assert f"{ARCFACE.name} cannot be used" in err


@pytest.mark.parametrize("name", ["vision.onnx.data", "weights/vision.data", "./vision.data", f"{'v' * 150}.data"])
def test_weights_in_a_file_of_their_own_come_along(capsys: Output, folder: Path, tmp_path: Path, name: str):
    (tmp_path / "weights").mkdir()
    source = tiny_models.apart(tiny_models.embedder(tmp_path / "vision.onnx", 512), name)
    assert main(["server", "models", "add", str(source), "--as", CLIP.name]) == 0
    copied = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert copied == {Path(CLIP.name), Path(name)}
    assert main(["server", "models", "check"]) == 0
    assert "works: a vector of 512" in capsys.readouterr().out


def test_a_model_without_its_weights_is_not_added(capsys: Output, folder: Path, tmp_path: Path):
    source = tiny_models.apart(tiny_models.embedder(tmp_path / CLIP.name, 512), "weights.bin")
    (tmp_path / "weights.bin").unlink()
    assert main(["server", "models", "add", str(source)]) != 0
    assert f"{CLIP.name} keeps its weights in weights.bin, which has to lie beside it" in capsys.readouterr().err
    assert not folder.exists()


def test_weights_never_take_the_place_of_another_models(capsys: Output, folder: Path, tmp_path: Path):
    for name, size in ((CLIP.name, 512), (DINO.name, 384)):
        (tmp_path / name).mkdir()
        source = tiny_models.apart(tiny_models.embedder(tmp_path / name / name, size), "model.data")
        ended = main(["server", "models", "add", str(source)])
    assert ended != 0
    assert f"model.data is there already, with the weights of {CLIP.name}" in capsys.readouterr().err
    assert not (folder / DINO.name).exists()
    assert main(["server", "models", "check"]) == 0


def test_other_weights_are_another_model(folder: Path, tmp_path: Path):
    source = tiny_models.apart(tiny_models.embedder(tmp_path / CLIP.name, 512), "vision.data")
    before = sha256_of(source)
    weights = bytearray((tmp_path / "vision.data").read_bytes())
    weights[0] ^= 1
    (tmp_path / "vision.data").write_bytes(weights)
    assert sha256_of(source) != before


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_a_model_may_take_numbers_of_another_size_and_any_number_of_pictures(
    capsys: Output, folder: Path, tmp_path: Path, kind: int
):
    source = tiny_models.taking(tiny_models.embedder(tmp_path / CLIP.name, 512), kind)
    assert main(["server", "models", "add", str(source)]) == 0
    assert main(["server", "models", "check"]) == 0
    assert "works: a vector of 512" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ir": 99}, r"Unsupported model IR version: 99, max supported IR version: \d+; install a newer onnxruntime"),
        ({"opset": 99}, r".*Opset 99 is under development.* is till opset \d+; install a newer onnxruntime"),
    ],
)
def test_a_model_that_is_too_new_is_refused_in_the_words_of_the_runtime(
    capsys: Output, folder: Path, tmp_path: Path, change: dict[str, int], said: str
):
    source = tiny_models.of_version(tiny_models.embedder(tmp_path / CLIP.name, 512), **change)
    assert main(["server", "models", "add", str(source)]) != 0
    err = capsys.readouterr().err
    assert re.search(rf"{CLIP.name} cannot be loaded by onnxruntime [\d.]+: {said}", err)
    assert str(tmp_path) not in err
    assert not folder.exists()


def test_a_model_that_takes_bytes_is_refused(capsys: Output, folder: Path, tmp_path: Path):
    source = tiny_models.taking(tiny_models.embedder(tmp_path / CLIP.name, 512), TensorProto.UINT8)
    assert main(["server", "models", "add", str(source)]) != 0
    assert f"{CLIP.name} takes tensor(uint8)" in capsys.readouterr().err
    assert not folder.exists()


def test_a_model_of_pictures_and_words_is_refused_with_what_it_takes(capsys: Output, folder: Path, tmp_path: Path):
    source = tiny_models.taking_words_too(tiny_models.embedder(tmp_path / CLIP.name, 512))
    assert main(["server", "models", "add", str(source)]) != 0
    assert "2 inputs (picture, input_ids); export the image encoder alone" in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.parametrize(
    ("node", "said"),
    [("Identity", "1×3×224×224 values (float32)"), ("Size", "single values (int64)")],
)
def test_what_gives_no_vector_is_not_added(capsys: Output, folder: Path, tmp_path: Path, node: str, said: str):
    assert main(["server", "models", "add", str(tiny_models.of_one(tmp_path / CLIP.name, node))]) != 0
    assert f"{CLIP.name} gives {said}" in capsys.readouterr().err
    assert not folder.exists()
