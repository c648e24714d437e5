"""Tasks that need a model file: refused at once without it, and done with it."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import numpy
import pytest

from cl_client import ComputeClient
from cl_client.errors import ServerError
from cl_ml_tools.models import ARCFACE, CLIP, DINO, YUNET
from cl_server.embedded import LocalStack
from tests.integration.client.conftest import GUEST, NAMED, Caller, named
from tests.media.face import group
from tests.media.photo import encoded


@pytest.fixture(scope="module")
def with_models(models: Path) -> Iterator[LocalStack]:
    """A stack that takes guests, and has models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CL_MODELS", str(models))
        stack = LocalStack(workers=1).start()
    yield stack
    stack.stop()


@pytest.fixture(params=[GUEST, *NAMED])
async def model_client(request: pytest.FixtureRequest) -> AsyncGenerator[ComputeClient]:
    """In every mode, a client of a stack that has models."""
    caller = Caller(request.getfixturevalue("with_models")) if request.param == GUEST else named(request, request.param)
    async with caller.client() as client:
        yield client


async def test_an_image_becomes_a_vector(model_client: ComputeClient, photo: Path, tmp_path: Path):
    clip = await model_client.clip_embedding.embed_image(photo, wait=True)
    dino = await model_client.dino_embedding.embed_image(photo, wait=True)
    assert (clip.output.embedding_dim, dino.output.embedding_dim) == (512, 384)
    assert clip.artifact == "output/clip_embedding.npy"
    saved = await clip.download(tmp_path / "vector.npy")
    assert numpy.load(saved).tolist() == pytest.approx(clip.output.embedding)


async def test_faces_become_vectors(model_client: ComputeClient):
    picture = encoded(group([(40, 60), (400, 260)]))
    job = await model_client.face_embedding.embed_faces(picture, wait=True)
    assert (job.output.num_faces, job.output.embedding_dim) == (2, 128)
    assert all(len(each.embedding) == 128 for each in job.output.faces)


async def test_workers_offer_what_they_have_a_model_for(with_models: LocalStack):
    async with Caller(with_models).client() as client:
        offered = (await client.get_capabilities()).capabilities
    assert {"clip_embedding", "dino_embedding", "face_embedding", "face_detection"} <= set(offered)


@pytest.mark.parametrize("model", [CLIP, DINO, ARCFACE])
async def test_without_its_model_a_job_is_refused_at_once(local_client: ComputeClient, model, photo: Path):
    assert model.task_type not in (await local_client.get_capabilities()).capabilities
    with pytest.raises(ServerError, match=f"{model.task_type} needs the model file {model.name} in the") as refused:
        await getattr(local_client, model.task_type).submit_with_files({"file": photo}, {})
    assert refused.value.status == 503


async def test_faces_are_found_without_a_model(anyones_client: ComputeClient, tmp_path: Path):
    job = await anyones_client.face_detection.detect(encoded(group([(40, 60)])), wait=True)
    assert (job.output.num_faces, job.output.detector) == (1, "haar")
    saved = await anyones_client.download_job_file(job.job_id, job.output.faces[0].crop_path, tmp_path)
    assert saved.read_bytes().startswith(b"\xff\xd8")


def test_the_stack_says_what_it_does_not_offer(local_stack: LocalStack):
    assert set(local_stack.left_out()) == {"clip_embedding", "dino_embedding", "face_embedding"}
    assert YUNET.task_type not in local_stack.left_out()
