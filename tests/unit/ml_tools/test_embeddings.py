import math
from pathlib import Path

import numpy
import pytest
from PIL import Image

from cl_ml_tools import models
from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.embedding import PROFILES, normalise, prepare
from cl_ml_tools.embedding_output import EmbeddingOutput
from cl_ml_tools.models import ARCFACE, CLIP, DINO, ModelFile
from cl_ml_tools.plugins.clip_embedding.schema import ClipEmbeddingParams
from cl_ml_tools.plugins.clip_embedding.task import ClipEmbeddingTask
from cl_ml_tools.plugins.dino_embedding.schema import DinoEmbeddingParams
from cl_ml_tools.plugins.dino_embedding.task import DinoEmbeddingTask
from cl_ml_tools.plugins.face_embedding.schema import FaceEmbeddingOutput, FaceEmbeddingParams
from cl_ml_tools.plugins.face_embedding.task import FaceEmbeddingTask
from tests.media import photo, tiny_models
from tests.media.face import face, group

RED = photo.encoded(Image.new("RGB", (300, 200), "red"), "PNG")


@pytest.fixture(autouse=True)
def model_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder with a tiny model for each task."""
    folder = tmp_path / "models"
    monkeypatch.setenv("CL_MODELS", str(folder))
    tiny_models.embedder(folder / CLIP.name, 512)
    tiny_models.embedder(folder / DINO.name, 384, tokens=5)
    tiny_models.embedder(folder / ARCFACE.name, 128, side=112, channels_last=True)
    return folder


def params(folder: Path, content: bytes, **more: object) -> dict[str, object]:
    source = photo.write(folder / "source.png", content)
    return {
        "input_paths": [str(source)],
        "output_paths": [str(folder / "vector.npy")],
        "input_names": ["photo.png"],
        **more,
    }


def clip(folder: Path, content: bytes = RED, **more: object) -> EmbeddingOutput:
    given = ClipEmbeddingParams.model_validate(params(folder, content, **more))
    return ClipEmbeddingTask().process(given, lambda percent: None)


def faces(folder: Path, content: bytes, **more: object) -> FaceEmbeddingOutput:
    given = FaceEmbeddingParams.model_validate(params(folder, content, **more))
    return FaceEmbeddingTask().process(given, lambda percent: None)


def test_a_vector_has_the_length_1_and_is_there_as_npy(tmp_path: Path, model_folder: Path) -> None:
    output = clip(tmp_path)
    assert output.embedding_dim == len(output.embedding) == 512
    assert math.hypot(*output.embedding) == pytest.approx(1, abs=1e-5)
    assert (output.normalized, output.profile) == (True, "mobileclip")
    assert output.model_sha256 == models.sha256_of(model_folder / CLIP.name)
    assert output.embedding_path == "output/vector.npy"
    saved = numpy.load(tmp_path / "vector.npy", allow_pickle=False)
    assert (saved.dtype, saved.shape) == (numpy.float32, (512,))
    assert saved.tolist() == pytest.approx(output.embedding)


def test_without_normalising_it_is_what_the_model_gave(tmp_path: Path) -> None:
    assert clip(tmp_path, normalize=False).embedding[:4] == pytest.approx([1, 0, 0, 1])


def test_a_profile_is_chosen_by_name(tmp_path: Path) -> None:
    output = clip(tmp_path, normalize=False, profile="clip")
    assert output.profile == "clip"
    red = (1 - 0.48145466) / 0.26862954
    assert output.embedding[:2] == pytest.approx([red, -0.4578275 / 0.26130258], abs=1e-3)


def test_of_a_sequence_the_first_row_is_taken(tmp_path: Path) -> None:
    given = DinoEmbeddingParams.model_validate(params(tmp_path, RED, normalize=False))
    output = DinoEmbeddingTask().process(given, lambda percent: None)
    assert (output.embedding_dim, output.profile) == (384, "dinov2")
    assert output.embedding[0] == pytest.approx((1 - 0.485) / 0.229, abs=1e-3)
    assert output.embedding[3:6] == [1, 1, 1]


def test_each_face_has_a_vector(tmp_path: Path) -> None:
    output = faces(tmp_path, photo.encoded(group([(40, 60), (400, 260)]), "PNG"))
    assert (output.num_faces, len(output.faces), output.embedding_dim) == (2, 2, 128)
    assert all(each.face is not None for each in output.faces)
    assert output.embedding == output.faces[0].embedding
    assert numpy.load(tmp_path / "vector.npy").shape == (2, 128)
    for each in output.faces:
        assert math.hypot(*each.embedding) == pytest.approx(1, abs=1e-5)


def test_a_picture_without_a_face_is_taken_for_one(tmp_path: Path) -> None:
    output = faces(tmp_path, RED, normalize=False)
    assert (output.num_faces, len(output.faces)) == (0, 1)
    assert output.faces[0].face is None
    assert output.embedding[:3] == pytest.approx([1, 0, 0])
    assert numpy.load(tmp_path / "vector.npy").shape == (1, 128)


def test_a_face_that_was_cut_out_is_taken_as_it_is(tmp_path: Path) -> None:
    assert len(faces(tmp_path, photo.encoded(face(), "PNG")).faces) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_embedded_upright(tmp_path: Path, orientation: int) -> None:
    seen = clip(tmp_path, photo.encoded(photo.corners(), orientation=1)).embedding
    assert clip(tmp_path, photo.encoded(photo.corners(), orientation=orientation)).embedding == pytest.approx(
        seen, abs=1e-3
    )


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_picture_fits_every_profile(name: str, mode: str) -> None:
    profile = PROFILES[name]
    pixels = prepare(photo.in_mode(mode), profile)
    side = profile.side
    assert pixels.shape == ((1, side, side, 3) if profile.channels_last else (1, 3, side, side))
    assert pixels.dtype == numpy.float32
    assert pixels.flags.c_contiguous


def test_a_crop_is_the_middle_and_a_squash_is_all_of_it() -> None:
    picture = Image.new("RGB", (400, 100), "blue")
    picture.paste("red", (150, 0, 250, 100))
    cropped = prepare(picture, PROFILES["mobileclip"])[0][:, :, 2:-2]
    assert cropped[0].min() == 1
    assert cropped[2].max() == 0
    squashed = prepare(picture, PROFILES["arcface"])[0]
    assert (squashed[56, 5, 2], squashed[56, 56, 0]) == (1, 1)


def test_nothing_but_zeros_stays_so() -> None:
    assert normalise(numpy.zeros(4, dtype=numpy.float32)).tolist() == [0, 0, 0, 0]


def test_a_model_that_is_replaced_is_loaded_anew(tmp_path: Path, model_folder: Path) -> None:
    task = ClipEmbeddingTask()
    given = ClipEmbeddingParams.model_validate(params(tmp_path, RED))
    before = task.process(given, lambda percent: None)
    tiny_models.embedder(model_folder / CLIP.name, 256)
    after = task.process(given, lambda percent: None)
    assert (before.embedding_dim, after.embedding_dim) == (512, 256)
    assert before.model_sha256 != after.model_sha256


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no model", "mobileclip_blt_vision_model.onnx is no ONNX model that can be loaded (InvalidProtobuf)"),
        (None, "mobileclip_blt_vision_model.onnx takes 1×3×32×32, and not 1×3×224×224 numbers"),
    ],
)
def test_a_model_that_does_not_fit_is_one_line(
    tmp_path: Path, model_folder: Path, content: bytes | None, said: str
) -> None:
    path = model_folder / CLIP.name
    if content is None:
        tiny_models.embedder(path, 512, side=32)
    else:
        path.write_bytes(content)
    with pytest.raises(TaskError) as refused:
        clip(tmp_path)
    assert str(refused.value) == said
    assert not (tmp_path / "vector.npy").exists()


@pytest.mark.parametrize(
    ("task", "model"), [(ClipEmbeddingTask, CLIP), (DinoEmbeddingTask, DINO), (FaceEmbeddingTask, ARCFACE)]
)
def test_without_its_model_a_task_says_which_and_where(
    task: type[ClipEmbeddingTask], model: ModelFile, model_folder: Path
) -> None:
    assert task().missing() is None
    (model_folder / model.name).unlink()
    lack = task().missing()
    assert lack is not None
    assert lack.startswith(f"{model.task_type} needs the model file {model.name} in the server's models folder")
    assert str(model_folder) not in lack
