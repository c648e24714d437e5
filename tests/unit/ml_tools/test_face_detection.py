from pathlib import Path

import cv2
import numpy
import pytest
from PIL import Image
from pydantic import ValidationError

from cl_ml_tools import model_check, models
from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.face import Box, Face
from cl_ml_tools.faces import crop, intersection_over_union, suppress
from cl_ml_tools.plugins.face_detection.schema import FaceDetectionOutput, FaceDetectionParams
from cl_ml_tools.plugins.face_detection.task import FaceDetectionTask
from tests.media import photo, real_models, tiny_models
from tests.media.face import group


@pytest.fixture(autouse=True)
def model_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder."""
    monkeypatch.setenv("CL_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def detect(
    folder: Path, content: bytes, task: FaceDetectionTask | None = None, **params: object
) -> FaceDetectionOutput:
    source = photo.write(folder / "source.jpg", content)
    (folder / "output").mkdir(exist_ok=True)
    values = {
        "input_paths": [str(source)],
        "output_paths": [str(folder / "output" / "photo_face.jpg")],
        "input_names": ["photo.jpg"],
        **params,
    }
    return (task or FaceDetectionTask()).process(FaceDetectionParams.model_validate(values), lambda percent: None)


def test_without_a_model_faces_are_found_and_cut_out(tmp_path: Path) -> None:
    output = detect(tmp_path, photo.encoded(group([(40, 60), (400, 260)])))
    assert (output.num_faces, output.detector, output.model_sha256) == (2, "haar", None)
    assert (output.image_width, output.image_height) == (640, 480)
    left, right = sorted(output.faces, key=lambda face: face.box.x)
    for found, (x, y) in ((left, (40, 60)), (right, (400, 260))):
        middle = (found.box.x + found.box.width / 2) * 640, (found.box.y + found.box.height / 2) * 480
        assert middle[0] == pytest.approx(x + 80, abs=15)
        assert middle[1] == pytest.approx(y + 85, abs=25)
        assert 0.7 <= found.confidence <= 1
        assert found.landmarks is None
        with Image.open(tmp_path / found.crop_path) as cut:
            assert cut.format == "JPEG"
            assert cut.width == pytest.approx(found.box.width * 640 * 1.2, abs=3)
    assert {face.crop_path for face in output.faces} == {"output/photo_face_0.jpg", "output/photo_face_1.jpg"}


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_faces_are_found_in_what_is_seen(tmp_path: Path, orientation: int) -> None:
    output = detect(tmp_path, photo.encoded(group([(40, 60)]), orientation=orientation))
    assert output.num_faces == 1
    assert output.faces[0].box.x < 0.3
    assert (output.image_width, output.image_height) == (640, 480)


def test_a_large_picture_has_the_same_places(tmp_path: Path) -> None:
    small = detect(tmp_path, photo.encoded(group([(40, 60)]))).faces[0].box
    large = detect(tmp_path, photo.encoded(group([(200, 300)], (3200, 2400), 800))).faces[0].box
    assert large.x == pytest.approx(small.x, abs=0.03)
    assert large.width == pytest.approx(small.width, abs=0.03)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16"])
def test_every_kind_of_picture_is_taken(tmp_path: Path, mode: str) -> None:
    assert detect(tmp_path, photo.encoded(photo.in_mode(mode), "PNG")).num_faces == 0


def test_a_confidence_that_nobody_has_leaves_nobody(tmp_path: Path) -> None:
    output = detect(tmp_path, photo.encoded(group([(40, 60)])), confidence_threshold=1)
    assert (output.num_faces, output.faces) == (0, [])
    assert list((tmp_path / "output").iterdir()) == []


def bright(*squares: tuple[int, int]) -> bytes:
    picture = Image.new("RGB", (320, 256))
    for x, y in squares:
        picture.paste("white", (x, y, x + 32, y + 32))
    return photo.encoded(picture, "PNG")


def test_with_a_model_there_are_landmarks(tmp_path: Path, model_folder: Path) -> None:
    file = tiny_models.yunet(model_folder / models.YUNET.name)
    output = detect(tmp_path, bright((64, 32), (256, 192)))
    assert (output.num_faces, output.detector) == (2, "yunet")
    assert output.model_sha256 == models.sha256_of(file)
    first = min(output.faces, key=lambda face: face.box.x)
    assert first.box == Box(x=0.2, y=0.125, width=0.1, height=0.125)
    assert first.confidence == 1
    assert first.landmarks is not None
    assert (first.landmarks.nose.x, first.landmarks.nose.y) == (0.25, 0.1875)


def test_a_model_that_is_replaced_is_loaded_anew(tmp_path: Path, model_folder: Path) -> None:
    task = FaceDetectionTask()
    assert detect(tmp_path, bright((64, 32)), task).detector == "haar"
    tiny_models.yunet(model_folder / models.YUNET.name)
    assert detect(tmp_path, bright((64, 32)), task).detector == "yunet"


def test_a_model_that_is_none_is_one_line(tmp_path: Path, model_folder: Path) -> None:
    model_folder.mkdir()
    (model_folder / models.YUNET.name).write_bytes(b"no model")
    with pytest.raises(TaskError, match=r"^face_detection_yunet_2023mar\.onnx is no model that OpenCV can load$"):
        detect(tmp_path, bright((64, 32)))
    tiny_models.embedder(model_folder / models.YUNET.name, 8)
    with pytest.raises(TaskError, match=r"^face_detection_yunet_2023mar\.onnx is no YuNet model"):
        detect(tmp_path, bright((64, 32)))


def test_of_two_that_overlap_the_surer_one_stays() -> None:
    one = Face(box=Box(x=0, y=0, width=0.5, height=0.5), confidence=0.9)
    two = Face(box=Box(x=0.1, y=0, width=0.5, height=0.5), confidence=0.8)
    far = Face(box=Box(x=0.8, y=0.8, width=0.1, height=0.1), confidence=0.7)
    assert intersection_over_union(one.box, two.box) == pytest.approx(2 / 3)
    assert suppress([one, two, far], 0.4) == [one, far]
    assert suppress([one, two, far], 0.7) == [one, two, far]
    assert intersection_over_union(one.box, far.box) == 0


def test_a_crop_stays_inside_and_is_never_empty() -> None:
    picture = Image.new("RGB", (10, 10))
    assert crop(picture, Box(x=0.9, y=0.9, width=0.5, height=0.5), 0.5).size == (4, 4)
    assert crop(picture, Box(x=1, y=1, width=0, height=0)).size == (1, 1)


@pytest.mark.parametrize("field", ["confidence_threshold", "nms_threshold"])
@pytest.mark.parametrize("value", [-0.1, 1.1, "much"])
def test_thresholds_are_between_0_and_1(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        FaceDetectionParams.model_validate({field: value})


def test_without_its_library_the_task_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_ml_tools.requirement.find_spec", lambda name: None if name == "cv2" else object())
    lack = FaceDetectionTask().missing()
    assert lack is not None
    assert lack.startswith("face_detection needs opencv-python-headless, which the server does not have")


@pytest.mark.parametrize("name", models.YUNET.names)
def test_both_versions_of_the_model_are_found_by_their_names(tmp_path: Path, model_folder: Path, name: str) -> None:
    tiny_models.yunet(model_folder / name)
    assert models.model_for(name) is models.YUNET
    assert models.path_of(models.YUNET).name == name
    assert detect(tmp_path, bright((64, 32))).detector == "yunet"


def test_a_model_keeps_its_name_when_it_is_added(tmp_path: Path, model_folder: Path) -> None:
    for name in models.YUNET.names:
        assert model_check.add(tiny_models.yunet(tmp_path / name), models.YUNET) == model_folder / name
    # Of both, the later one is used.
    assert models.path_of(models.YUNET).name == models.YUNET.later_names[0]


def test_the_real_model_finds_what_opencv_finds_with_it(tmp_path: Path, model_folder: Path) -> None:
    file = real_models.yunet()
    model_check.add(file, models.YUNET)
    picture = group([(40, 60), (400, 260)])
    output = detect(tmp_path, photo.encoded(picture, "PNG"))
    assert (output.detector, output.num_faces) == ("yunet", 2)
    network = cv2.FaceDetectorYN.create(str(file), "", picture.size, 0.7, 0.4)
    _, expected = network.detect(numpy.ascontiguousarray(numpy.asarray(picture)[:, :, ::-1]))
    for found, row in zip(output.faces, sorted(expected, key=lambda row: -row[14]), strict=True):
        box = [found.box.x * 640, found.box.y * 480, found.box.width * 640, found.box.height * 480]
        assert box == pytest.approx(row[:4].tolist(), abs=0.01)
        assert found.confidence == pytest.approx(float(row[14]), abs=1e-4)
        assert found.landmarks is not None
        assert found.landmarks.nose.x * 640 == pytest.approx(float(row[8]), abs=0.01)


def test_without_a_model_the_confidence_rises_with_the_windows_that_agree(tmp_path: Path) -> None:
    """A face that is hard to see is less sure than one that is not."""
    clear = detect(tmp_path, photo.encoded(group([(40, 60)])), confidence_threshold=0).faces
    noise = Image.effect_noise((640, 480), 60).convert("RGB")
    dim = Image.blend(group([(40, 60)]), noise, 0.35)
    faint = detect(tmp_path, photo.encoded(dim), confidence_threshold=0).faces
    assert clear[0].confidence > 0.9
    assert all(face.confidence < clear[0].confidence for face in faint)
