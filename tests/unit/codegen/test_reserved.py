"""The names that nothing generated may have are read from the client itself."""

import inspect
import json
from pathlib import Path

import pytest

import cl_sync.client
import cl_sync.plugins.hash
from cl_client.cli.help.front_page import ACCOUNT_COMMANDS, OWN_COMMANDS
from cl_client.cli.help.options import global_rows
from cl_client.client import ComputeClient
from cl_client.runtime.plugin import PluginClient
from cl_codegen.generate import PackageSources, generate
from cl_codegen.model import reserved
from cl_codegen.spec.spec import SpecError
from cl_plugins import PLUGINS
from cl_plugins.operations.operations import Operations
from tests.codegen_server.folders import TEMPLATES


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_no_word_of_the_client_is_missing():
    kinds = (ComputeClient, cl_sync.client.ComputeClient)
    # Plugins go before the groups of operations, which take another name then.
    assert set().union(*map(public, kinds)) - set(PLUGINS) - public(Operations) <= reserved.CLIENT_WORDS
    assert {"base_url", "mqtt_broker", "mqtt_port", "api", "twin", "portal"} <= reserved.CLIENT_WORDS


def test_no_word_of_a_plugin_client_is_missing():
    kinds = (PluginClient, cl_sync.plugins.hash.HashClient)
    assert set().union(*map(public, kinds)) - {"compute"} <= reserved.CLIENT_CLASS_WORDS


def test_no_word_of_a_generated_module_is_missing():
    from cl_plugins import hash as module

    ours = {name for name in vars(module) if not name.startswith("__")} - {"COMPUTE", "HashClient", "HashOutput"}
    assert ours - {"BodyCreateHashJob", "create_hash_job"} <= reserved.MODULE_WORDS
    # Labels are a word of the methods whose jobs can have some.
    own = {"image", "algorithm", "labels"}
    assert set(inspect.signature(module.HashClient.compute).parameters) - own <= reserved.CALL_WORDS


def test_no_command_and_no_option_is_missing():
    assert {entry.name for entry in (*OWN_COMMANDS, *ACCOUNT_COMMANDS)} == reserved.COMMAND_WORDS
    options = {word.strip(",") for names, _ in global_rows() for word in names.split() if word.startswith("-")}
    assert options <= reserved.GLOBAL_OPTIONS
    assert {"--output", "-o", "--no-wait", "--overwrite", "--priority"} <= reserved.GLOBAL_OPTIONS
    assert "--no-resume" not in reserved.GLOBAL_OPTIONS


def sources(tmp_path: Path, manifest: str) -> PackageSources:
    answer = {
        "200": {"description": "ok", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/J"}}}}
    }
    form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    job = [{"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}]
    submit = {
        "operationId": "resize",
        "parameters": [{"name": "body", "in": "query", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": answer,
    }
    state = {"type": "object", "properties": {"job_id": {"type": "string"}, "status": {"type": "string"}}}
    spec = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {
            "/jobs/resize": {"post": submit},
            "/jobs/{job_id}": {"get": {"operationId": "get_job", "parameters": job, "responses": answer}},
        },
        "components": {"schemas": {"J": state}},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    (tmp_path / "plugins.toml").write_text(manifest)
    return PackageSources(tmp_path / "spec.json", tmp_path / "plugins.toml", TEMPLATES, "some_client")


def test_a_parameter_that_is_called_as_a_variable_of_the_method_gets_another_name(tmp_path: Path):
    generate(sources(tmp_path, '[resize]\noperation = "resize"\nverb = "twin"\n'), tmp_path / "out")
    text = (tmp_path / "out" / "src" / "some_client" / "plugins" / "resize.py").read_text()
    assert "body_2: str" in text
    assert "async def twin_2(" in text


def test_a_name_that_the_manifest_wants_and_the_client_has_is_refused_with_its_line(tmp_path: Path):
    for manifest, said in (
        (
            '[resize]\noperation = "resize"\n[resize.names]\nbody = "body"\n',
            r"line 4: \[resize\] names: every method has",
        ),
        ('[portal]\noperation = "resize"\n', r"line 1: \[portal\] table: the client has a 'portal' of its own"),
    ):
        with pytest.raises(SpecError, match=said):
            generate(sources(tmp_path, manifest), tmp_path / "out")
