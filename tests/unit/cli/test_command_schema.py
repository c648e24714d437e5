"""`--schema` and `skill`: what commands take, for programs and for agents."""

import json
import shlex

import pytest
import yaml

from cl_client.cli.app import assemble
from cl_client.cli.help.front_page import CL_CLIENT
from cl_client.cli.main import main
from tests.agent_texts import expect_schemas_of_its_options, expect_skill_of_its_commands


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_the_schema_of_a_command_has_its_types_and_bounds(capsys: pytest.CaptureFixture[str]):
    schema = json.loads(printed(capsys, "media-thumbnail", "generate", "--schema"))
    assert schema["required"] == ["media"]
    width = schema["properties"]["width"]
    assert (width["type"], width["minimum"], width["maximum"], width["x-option"]) == ("integer", 1, 8192, "--width")
    assert schema["properties"]["media"]["items"] == {"type": "string"}
    assert "x-option" not in schema["properties"]["media"]


def test_a_group_and_the_whole_program_list_their_commands(capsys: pytest.CaptureFixture[str]):
    def titles(*arguments: str) -> list[str]:
        return [schema["title"] for schema in json.loads(printed(capsys, *arguments, "--schema"))]

    assert titles("jobs") == [title for title in titles() if title.startswith("cl-client jobs ")]
    assert {"cl-client hash compute", "cl-client server models add", "cl-client login"} <= set(titles())


def test_every_schema_is_valid_and_every_option_in_it_is_one():
    expect_schemas_of_its_options(CL_CLIENT)


def test_a_command_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]):
    assert main(["hash", "compte", "--schema"]) == 2
    assert "compte" in capsys.readouterr().err


def test_the_skill_has_a_front_matter_that_an_agent_can_choose_by(capsys: pytest.CaptureFixture[str]):
    _, front, text = printed(capsys, "skill").split("---\n", 2)
    known = yaml.safe_load(front)
    assert known["name"] == "cl-client"
    assert 0 < len(known["description"]) <= 1024
    assert text.startswith("\n# cl-client\n")


def test_every_example_of_the_skill_is_a_command_line():
    examples = expect_skill_of_its_commands(CL_CLIENT)
    assert len(examples) == len(CL_CLIENT.plugins)
    for example in examples:
        assemble(CL_CLIENT).parse_args(shlex.split(example)[1:], print_error=False, exit_on_error=False)
