"""The options that every command has."""

# Annotations are not strings here: cyclopts reads them.
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_type_hints

from attrs import field, fields_dict, frozen
from cyclopts import Group, Parameter
from cyclopts.validators import Number

if TYPE_CHECKING:
    from cl_client.cli.program import Program
    from cl_client.config.settings import Told

GLOBAL = Group("Global options", sort_key=20)


@Parameter(name="*", group=GLOBAL)
@frozen(kw_only=True, repr=False)
class GlobalOptions:
    """Where the servers are, and how to speak.

    Attributes:
        compute_url, auth_url, ca_file, mqtt_url, mqtt_broker, mqtt_port: go before the environment. Another host than
            that of MQTT_URL gets neither its user nor its password.
        config, profile: the file, and the table in it, that say what neither an option nor the environment does.
        username, password: who runs this command, in place of who is logged in.
        no_auth: run it as a guest.
        json: results as JSON, one object a line.
        quiet: nothing but ids, warnings and errors.
        debug: tracebacks, and what the client logs.
        schema: what the command takes; it is not run.
    """

    compute_url: Annotated[
        str | None, Parameter(help="The compute server. Default: COMPUTE_URL, or http://localhost:8002.", metavar="URL")
    ] = None
    auth_url: Annotated[
        str | None, Parameter(help="The auth server. Default: AUTH_URL, or http://localhost:8000.", metavar="URL")
    ] = None
    ca_file: Annotated[
        str | None,
        Parameter(help="Certificates (PEM) to trust. Default: COMPUTE_CA_FILE.", metavar="FILE"),
    ] = None
    mqtt_url: Annotated[
        str | None,
        Parameter(
            help="The MQTT broker: mqtt://USER:PASSWORD@HOST:PORT or mqtts://…. Default: MQTT_URL.", metavar="URL"
        ),
    ] = field(default=None, repr=False)
    mqtt_broker: Annotated[
        str | None, Parameter(help="The host of the broker. Default: MQTT_BROKER_HOST, or localhost.", metavar="HOST")
    ] = None
    mqtt_port: Annotated[
        int | None,
        Parameter(
            help="The port of the broker. Default: MQTT_BROKER_PORT, or 1883.",
            metavar="PORT",
            validator=Number(gte=1, lte=65535),
        ),
    ] = None
    username: Annotated[
        str | None, Parameter(help="The user. Default: CL_USERNAME, or the user who is logged in.", metavar="NAME")
    ] = None
    password: Annotated[
        str | None,
        Parameter(
            help="The password, or - for stdin. Default: CL_PASSWORD.", metavar="TEXT", allow_leading_hyphen=True
        ),
    ] = field(default=None, repr=False)
    config: Annotated[
        Path | None, Parameter(help="The file of profiles. Default: CL_CONFIG, or see `config path`.", metavar="FILE")
    ] = None
    profile: Annotated[str | None, Parameter(help="The profile. Default: CL_PROFILE, or default.", metavar="NAME")] = (
        None
    )
    no_auth: Annotated[bool, Parameter(negative="", help="Run as a guest.", show_default=False)] = False
    json: Annotated[
        bool, Parameter(negative="", help="Print results as JSON, one object per line.", show_default=False)
    ] = False
    quiet: Annotated[
        bool, Parameter(name=("--quiet", "-q"), negative="", help="Print only ids and errors.", show_default=False)
    ] = False
    debug: Annotated[
        bool, Parameter(negative="", help="Show tracebacks and the log of the client.", show_default=False)
    ] = False

    schema: Annotated[
        bool,
        Parameter(negative="", help="Print what the command takes, as JSON Schema.", show_default=False),
    ] = False

    def told(self) -> "dict[str, Told]":
        """What they say, by field of `ServerConfig`."""
        from cl_client.config.settings import Told, broker_of

        broker = broker_of(self.mqtt_url, "option --mqtt-url") if self.mqtt_url else {}
        said = (
            ("compute_url", "--compute-url", self.compute_url),
            ("auth_url", "--auth-url", self.auth_url),
            ("ca_file", "--ca-file", self.ca_file),
            ("mqtt_host", "--mqtt-broker", self.mqtt_broker),
            ("mqtt_port", "--mqtt-port", self.mqtt_port),
            ("username", "--username", self.username),
        )
        return broker | {name: Told(value, f"option {option}") for name, option, value in said if value}


def service_options(program: "Program") -> "dict[str, str]":
    """The options for the addresses of several servers that no other program has, by setting."""
    own = {f"{service.name}_url" for service in program.services} - set(fields_dict(GlobalOptions))
    return {key: f"--{key.replace('_', '-')}" for key in sorted(own)}


def taking_values() -> frozenset[str]:
    """The global options that stand before a value."""
    hints = cast("dict[str, object]", get_type_hints(GlobalOptions, include_extras=False))
    return frozenset(f"--{name.replace('_', '-')}" for name, hint in hints.items() if hint is not bool)


def global_rows(program: "Program | None" = None) -> Iterator[tuple[str, str]]:
    """The global options for a page of help: what one types, and what it does."""
    for key, option in service_options(program).items() if program is not None else ():
        variable = f"{program.own_name.replace('-', '_')}_{key}".upper() if program is not None else ""
        yield f"{option} URL", f"The server {key.removesuffix('_url')}. Default: {variable}."
    hints = cast("dict[str, object]", get_type_hints(GlobalOptions, include_extras=True))
    for name, hint in hints.items():
        (parameter,) = cast("tuple[Parameter]", getattr(hint, "__metadata__", ()))
        names = sorted(parameter.name or (f"--{name.replace('_', '-')}",), key=len)
        yield " ".join([", ".join(names), *([parameter.metavar] if parameter.metavar else [])]), parameter.help or ""
