"""`cl-client config`: the settings outside of a command, where they come from, and the profiles of this user."""

# Annotations are not strings here: cyclopts reads them.
import os
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from cl_client.cli.running.run import Run

if TYPE_CHECKING:
    from cl_client.wire.types import JSONObject

TheRun = Annotated[Run, Parameter(parse=False)]

app = App(name="config", help="Show and change settings and profiles.")


@app.command
def show(*, run: TheRun) -> None:
    """Show each setting and its source: an option, the environment, the profile, or the default."""
    from attrs import asdict

    from cl_client.config.addresses import without_secrets
    from cl_client.config.servers import ServerConfig
    from cl_client.config.settings import SETTINGS

    usual = asdict(ServerConfig())
    rows: list[tuple[JSONObject, tuple[str, str, str]]] = []
    services = {setting.key: setting for setting in run.service_settings}
    for setting in ({setting.key: setting for setting in SETTINGS} | services).values():
        said = run.told.get(setting.field)
        value = usual.get(setting.field) if said is None else said.value
        source = "default" if said is None else said.source
        if isinstance(value, str):
            # An address of the environment may hold a password.
            value = without_secrets(value)
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        rows.append(({"setting": setting.key, "value": value, "source": source}, (setting.key, text, source)))
    run.console.results(("SETTING", "VALUE", "FROM"), rows)


@app.command(name="set")
def set_(
    setting: Annotated[str, Parameter(help="The setting, such as compute_url. `config show` lists all settings.")],
    value: Annotated[
        str, Parameter(help='The value. "" removes the setting from the profile.', allow_leading_hyphen=True)
    ],
    /,
    *,
    run: TheRun,
) -> None:
    """Save a setting in the profile that --profile names, or in the profile "default".

    Passwords and tokens can't be saved in a profile. `login` stores a token, and CL_PASSWORD and CL_TOKEN set one for a
    command.
    """
    from cl_client.config.profiles import DEFAULT

    profile = run.options.profile or os.environ.get("CL_PROFILE") or DEFAULT
    run.config_file.set(profile, setting, value)
    path = str(run.config_file.path)
    run.console.result(
        {"profile": profile, "setting": setting, "value": value, "path": path},
        [(setting, value or "removed"), ("profile", profile), ("file", path)],
        id=setting,
    )


@app.command
def path(*, run: TheRun) -> None:
    """Print the path of the file of profiles, even if it doesn't exist."""
    file = str(run.config_file.path)
    run.console.line({"path": file, "there": run.config_file.path.exists()}, file, id=file)
