"""The manifests of docs/examples/family, each on a fake of its service: what they say holds, with one session."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cl_client import JWTAuthProvider, ServerConfig, SessionManager
from cl_client.errors import AuthenticationError, NotFoundError
from cl_codegen.generate import PackageSources, generate
from tests.codegen_server import fake_family_apis
from tests.codegen_server.fake_family_apis import PICTURE
from tests.codegen_server.folders import ROOT, TEMPLATES
from tests.codegen_server.running import running_server

EXAMPLES = ROOT / "docs" / "examples" / "family"
SERVICES = ("compute", "auth", "store")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package of each service, importable as `family_NAME`."""
    folder = tmp_path_factory.mktemp("family")
    for name in SERVICES:
        spec = folder / f"{name}.json"
        spec.write_text(json.dumps(getattr(fake_family_apis, name)().openapi()))
        generate(PackageSources(spec, EXAMPLES / f"{name}.toml", TEMPLATES, f"family_{name}"), folder / name)
    paths = [str(folder / name / "src") for name in SERVICES]
    sys.path[:0] = paths
    yield folder
    sys.path[:] = [path for path in sys.path if path not in paths]


async def test_files_of_the_compute_service_are_where_its_parameters_or_its_output_say(packages, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(PICTURE)
    package = importlib.import_module("family_compute")
    with running_server(fake_family_apis.compute()) as url:
        config = ServerConfig(compute_url=url, mqtt_port=1)
        async with package.FamilyComputeClient(server_config=config) as client:
            job = await client.image_conversion.convert(tmp_path / "photo.jpg", "webp", wait=True, timeout=20)
            assert job.artifact == "output/result.bin"
            assert (await job.download(tmp_path / "a.webp")).read_bytes() == PICTURE
            stream = await client.hls_streaming.generate_manifest(tmp_path / "photo.jpg", wait=True, timeout=20)
            assert stream.artifact == "output/adaptive.m3u8"
            made = await client.hls_streaming.generate_manifest(None, "/films/a.mp4", wait=True, timeout=20)
            assert made.artifact == "output/adaptive.m3u8"
            plain = await client.hash.compute(tmp_path / "photo.jpg", wait=True, timeout=20)
            assert plain.task_output == {"media_type": "image"}


async def test_the_store_shares_the_session_of_the_others(packages, tmp_path):
    auth, store = (importlib.import_module(f"family_{name}") for name in ("auth", "store"))
    (tmp_path / "photo.jpg").write_bytes(PICTURE)
    with running_server(fake_family_apis.auth()) as auth_url, running_server(fake_family_apis.store()) as store_url:
        config = ServerConfig(auth_url=auth_url, store_url=store_url)
        async with SessionManager(server_config=config, keep=False) as session:
            await session.login("ada", "secret")
            signed = JWTAuthProvider(session=session)
            async with store.FamilyStoreClient(store_url, auth_provider=signed) as client:
                entity = await client.entity.create_entity(label="a", image=tmp_path / "photo.jpg")
                page = await client.entity.get_entities(page_size=1)
                assert [one.label for one in page.items] == ["a"]
                await expect_collections(client)
                got = await client.entity.download_media(entity.id, tmp_path / "got.jpg")
                assert got.read_bytes() == PICTURE
            async with auth.FamilyAuthClient(auth_url, auth_provider=signed) as client:
                assert (await client.default.read_users_me()).username == "ada"
        async with store.FamilyStoreClient(store_url) as client:
            with pytest.raises(AuthenticationError):
                await client.entity.get_entities()


async def expect_collections(client: object) -> None:
    """What people do with a store: collections in pages and by filters, versions, faces."""
    album = await client.entity.create_entity(label="album", is_collection=True)
    assert await client.entity.create_entity(label="album", is_collection=True) == album
    inside = [await client.entity.create_entity(label=f"p{one}", parent_id=album.id) for one in range(5)]
    every = client.entity.get_entities_all(page_size=2, parent_id=album.id)
    assert [one.id async for one in every] == [one.id for one in inside]
    assert [one.label async for one in client.entity.get_entities_all(is_collection=True)] == ["album"]
    assert [one.label async for one in client.entity.get_entities_all(search_query="p3")] == ["p3"]
    patch = importlib.import_module("family_store.api.models").BodyPatchEntity
    await client.entity.patch_entity(album.id, body=patch(label="holiday"))
    assert [one.version for one in await client.entity.get_entity_versions(album.id)] == [1, 2]
    assert (await client.entity.get_entity(album.id, version=1)).label == "album"
    assert (await client.entity.get_entity(album.id)).label == "holiday"
    with pytest.raises(NotFoundError, match="Entity not found"):
        await client.entity.get_entity(album.id, version=9)
    (face,) = await client.intelligence.get_entity_faces(inside[0].id)
    assert (face.bbox, await client.face.delete_face(face.id)) == ([0.1, 0.2, 0.3, 0.4], None)


@pytest.mark.parametrize("name", SERVICES)
def test_what_only_tells_that_the_server_is_there_is_left_out(packages, name):
    groups = list((packages / name / "src" / f"family_{name}").glob("operations/*.py"))
    assert not any("root_get" in path.read_text() for path in groups)


def test_options_of_jobs_are_no_names_that_an_operation_may_not_have(packages):
    commands = (packages / "store" / "src" / "family_store" / "operations" / "commands" / "entity.py").read_text()
    assert 'Parameter(name="--label", ' in commands
