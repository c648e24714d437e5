"""The command of a plugin: its parameters as options and arguments, and handed on to the typed method."""

from __future__ import annotations

import re

from attrs import evolve, frozen

from cl_codegen.model.plugin import Parameter, Plugin
from cl_codegen.model.reserved import GLOBAL_OPTIONS
from cl_codegen.text import naming
from cl_codegen.text.escape import SpecText, literal, one_line, visible

_MODULE_WORDS = frozenset(
    ["by_suffix", "cast", "each", "given", "json_option", "read_option", "jobs", "partial", "source"]
)
"""What the body of a command reads: no argument may stand before it."""

_FORMATS = frozenset({"format", "format_", "output_format"})
"""What the parameter is called that says which kind of file a job makes."""

_PLACEHOLDERS = {"int": "8", "float": "0.5", "str": "TEXT"}


@frozen
class Option:
    """One parameter on the command line.

    Attributes:
        argument: of the function.
        parameter: of the typed method.
        names: all spellings, `--format` and `-f`; none where it is positional.
        type: annotation of the argument.
        value: the expression that the typed method gets.
        metavar: what stands for the value in the help; none leaves it to the type.
        bounds: what the value has to keep to, by the names of `cl_client.runtime.Bounds`.
        default: what the server takes where nothing is given, to be shown.
        reads, casts: the models that `value` needs, when it runs or only for the type checker.
    """

    argument: str
    parameter: str
    names: tuple[str, ...]
    type: str
    value: str
    help: SpecText
    metavar: str | None
    default: SpecText | None
    required: bool
    bounds: tuple[tuple[str, int | float | str], ...] = ()
    reads: tuple[str, ...] = ()
    casts: tuple[str, ...] = ()


@frozen
class Command:
    """What the template of a command has to know beyond the plugin itself.

    Attributes:
        file: the positional argument, where one file is what a job is about.
        options: all others, required ones first.
        help_flags: those that no option of the plugin takes for itself.
        help: what the spec says, and a call as one would type it.
        casts_any: whether an option is handed on by a cast.
        reads, casts: as of all its options.
    """

    file: Option | None
    options: tuple[Option, ...]
    help_flags: tuple[str, ...]
    example: SpecText
    help: SpecText
    casts_any: bool
    reads: tuple[str, ...]
    casts: tuple[str, ...]

    @classmethod
    def of(cls, plugin: Plugin) -> Command:
        files = [parameter for parameter in plugin.files if parameter.required and not parameter.is_list]
        file = files[0] if files else None
        taken = {*GLOBAL_OPTIONS, *(plugin.view.flags if plugin.view else ())}
        options: list[Option] = []
        for parameter in plugin.parameters:
            if parameter is not file:
                names = _names(plugin, parameter, taken)
                taken.update(names)
                option = _option(parameter, names)
                options.append(_by_suffix(option, parameter) if _says_format(plugin, parameter) else option)
        example = _example(plugin, file, options)
        return cls(
            # One is what a job takes; the command takes many, and makes a job of each.
            file=_positional(file) if file else None,
            options=tuple(options),
            help_flags=tuple(flag for flag in ("--help", "-h") if flag == "--help" or flag not in taken),
            example=SpecText(example),
            help=SpecText(f"{visible(plugin.description.raw)}\n\nExample: {example}"),
            casts_any=any("cast(" in option.value for option in options),
            reads=tuple(sorted({name for option in options for name in option.reads})),
            casts=tuple(sorted({name for option in options for name in option.casts})),
        )


def _names(plugin: Plugin, parameter: Parameter, taken: set[str]) -> tuple[str, ...]:
    """The flags of the manifest; the option that the parameter's name makes too, where none of them is a long one."""
    flags = tuple(flag for flag in parameter.flags if flag not in taken)
    if any(flag.startswith("--") for flag in flags):
        return flags
    option = (
        parameter.option if parameter.option not in taken else f"--{naming.kebab(plugin.name)}-{parameter.option[2:]}"
    )
    return (option, *flags)


def _option(parameter: Parameter, names: tuple[str, ...]) -> Option:
    argument = f"{parameter.name}_" if parameter.name in _MODULE_WORDS else parameter.name
    kind, value = parameter.type, argument
    name = literal(names[0] if names else argument)
    models = tuple(name for _, name in parameter.classes)
    reads: tuple[str, ...] = ()
    casts: tuple[str, ...] = ()
    if parameter.is_file:
        kind = "list[Place]" if parameter.is_list else "Place"
        value = f"[source(each) for each in {argument}]" if parameter.is_list else f"source({argument})"
        value = value if parameter.required else f"None if {argument} is None else {value}"
    elif parameter.read and models:
        kind, reads = "str", models
        value = f"read_option({name}, {argument}, lambda value: {parameter.read})"
        value = value if parameter.required else f"None if {argument} is None else {value}"
    elif parameter.type.startswith("File"):
        kind = "str"  # A file or a text: here it is a text.
    elif _is_json(parameter):
        kind, casts, value = "str", models, f"json_option({name}, {argument})"
        if parameter.type not in {"JSONValue", "JSONValue | None"}:
            value = f"cast({_wanted(parameter)}, {value})"
    elif models:
        kind, casts, value = parameter.said, models, f"cast({_wanted(parameter)}, {argument})"
    if not parameter.required:
        kind = kind if kind.endswith("| None") else f"{kind} | None"
        value = f"given({value})"
    return Option(
        argument=argument,
        parameter=parameter.name,
        names=names,
        type=kind,
        value=value,
        help=parameter.help,
        metavar=_metavar(parameter),
        default=_default(parameter),
        required=parameter.required,
        bounds=parameter.bounds,
        reads=reads,
        casts=casts,
    )


def _says_format(plugin: Plugin, parameter: Parameter) -> bool:
    """Whether a parameter is the suffix of the file that the job makes."""
    return (
        parameter.required
        and parameter.name in _FORMATS
        and plugin.artifact is not None
        and bool(parameter.choices)
        and all(isinstance(choice, str) and choice.isalnum() for choice in parameter.choices)
    )


def _by_suffix(option: Option, parameter: Parameter) -> Option:
    choices = "".join(f"{literal(choice)}, " for choice in parameter.choices)
    return evolve(
        option,
        type=f"{option.type} | None",
        required=False,
        value=f"by_suffix({literal(option.names[0])}, {option.argument}, options_.output, ({choices}))",
        help=SpecText(f"{option.help.raw} By default, the suffix of --output selects it."),
    )


def _positional(file: Parameter) -> Option:
    """The file that a job is about. A job takes one; the command takes many, and makes a job of each."""
    option = _option(file, ())
    said = option.help.raw.rstrip().rstrip(".") or "What it is about"
    return evolve(option, type="list[Place]", help=SpecText(f"{said}: files, folders, patterns, URLs, or - for stdin."))


def _is_json(parameter: Parameter) -> bool:
    """Whether an option is written as JSON: any value, or an object of whatever keys."""
    said = f"{parameter.type} {parameter.said}"
    return parameter.type == "None" or any(word in said for word in ("JSON", "dict[", "tuple["))


def _wanted(parameter: Parameter) -> str:
    return literal(parameter.type if parameter.required else f"{parameter.type} | None")


def _metavar(parameter: Parameter) -> str | None:
    bounds = dict(parameter.bounds)
    if "minimum" in bounds and "maximum" in bounds:
        return f"{bounds['minimum']}-{bounds['maximum']}"
    if _is_json(parameter) or (parameter.read and parameter.classes):
        return "JSON"
    return None


def _default(parameter: Parameter) -> SpecText | None:
    match parameter.default:
        case None:
            return None
        case str(text):
            return SpecText(one_line(text))
        case bool(yes):
            return SpecText("yes" if yes else "no")
        case other:
            return SpecText(literal(other))


def _example(plugin: Plugin, file: Parameter | None, options: list[Option]) -> str:
    words = [plugin.layout.program, plugin.group, plugin.verb]
    if file is not None:
        # The file of the example in Python: a film, for a plugin that takes films.
        named = re.search(r'"([\w-]+\.\w+)"', plugin.example.raw)
        words.append(named[1] if named else "photo.jpg")
    by_name = {parameter.name: parameter for parameter in plugin.parameters}
    for option in options:
        if by_name[option.parameter].required:
            parameter = by_name[option.parameter]
            value = str(parameter.choices[0]) if parameter.choices else _PLACEHOLDERS.get(option.type, "VALUE")
            words += [option.names[0], value]
    return " ".join(words)
