"""What a program prints for agents: the skill file, and the JSON Schema of its commands."""

import json
import shlex

import yaml
from cyclopts import App
from jsonschema import Draft202012Validator

from cl_client.cli.app import assemble
from cl_client.cli.command_schema import schema_asked_for
from cl_client.cli.program import Program
from cl_client.cli.skill import skill


def expect_schemas_of_its_options(program: Program) -> None:
    """Every command has a valid schema, whose options the command has."""
    app = assemble(program)
    schemas = json.loads(schema_asked_for(app, program.name, ["--schema"]))
    assert schemas
    for schema in schemas:
        Draft202012Validator.check_schema(schema)
        names, _ = options_of(app, shlex.split(schema["title"])[1:])
        assert {each["x-option"] for each in schema["properties"].values() if "x-option" in each} <= names


def options_of(app: App, words: list[str]) -> tuple[set[str], list[str]]:
    """The options of the command that a line names, and the other words of the line."""
    _, apps, rest = app.parse_commands(words)
    assert apps[-1].default_command is not None
    return {name for argument in apps[-1].assemble_argument_collection() for name in argument.names}, rest


def expect_skill_of_its_commands(program: Program) -> list[str]:
    """Every example of the skill file is a command with options that it has. Returns the examples."""
    app = assemble(program)
    _, front, text = skill(program).split("---\n", 2)
    assert yaml.safe_load(front)["name"] == program.name
    examples = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    for example in examples:
        names, rest = options_of(app, shlex.split(example)[1:])
        assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= names, example
    return examples
