"""`cl-client server models`: the model files that plugins of a server on this machine use."""

# Annotations are not strings here: cyclopts reads them.
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from cl_client.cli.output.console import human_size
from cl_client.cli.running.run import Run
from cl_client.errors import ComputeClientError, InputNotFoundError

app = App(name="models", help="Manage the model files of a server on this machine.")


@app.command(name="list")
def list_models(*, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """List the model files that plugins need, and whether they exist."""
    try:
        from cl_ml_tools import models
    except ImportError as error:
        raise _needs(error) from error
    for model in models.KNOWN:
        path = models.path_of(model)
        there = path.is_file()
        run.console.result(
            {
                "task_type": model.task_type,
                "name": model.name,
                "about": model.about,
                "names": list(model.names),
                "source": model.source,
                "path": str(path),
                "there": there,
                "optional": model.optional,
                "size": path.stat().st_size if there else None,
                "sha256": models.sha256_of(path) if there else None,
            },
            [
                (path.name, human_size(path.stat().st_size) if there else "missing"),
                ("  for", model.task_type + (" (works without it)" if model.optional else "")),
                ("  what", model.about),
                *([("  or", name) for name in model.names if name != path.name]),
                *([("  from", model.source)] if model.source is not None else []),
            ],
            id=model.name,
        )
    run.console.say(f"They are looked for in {models.folder()} (CL_MODELS).")


@app.command
def add(
    file: Annotated[Path, Parameter(help="The model file.")],
    /,
    *,
    name: Annotated[
        str | None,
        Parameter(
            name="--as", help="The plugin, or the name under which the plugin looks for the file.", metavar="NAME"
        ),
    ] = None,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Test a model file, and copy it into the models folder of the server."""
    try:
        from cl_ml_tools import model_check, models
    except ImportError as error:
        raise _needs(error) from error
    if not file.is_file():
        raise InputNotFoundError(f"there is no file {file}", hint="give the path of the model file that you have")
    try:
        model = models.model_for(name or file.name)
    except models.ModelError as error:
        raise ComputeClientError(str(error), hint=f"cl-client server models add {file} --as TASK") from error
    try:
        target = model_check.add(file, model)
    except models.ModelError as error:
        raise ComputeClientError(str(error), hint="nothing was copied") from error
    except ImportError as error:
        raise _needs(error) from error
    run.console.result(
        {
            "task_type": model.task_type,
            "name": model.name,
            "path": str(target),
            "sha256": models.sha256_of(target),
        },
        [("added", str(target)), ("for", model.task_type), ("sha256", models.sha256_of(target))],
        id=str(target),
    )
    run.console.hint("restart a running server to offer this plugin")


@app.command
def check(*, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """Load and test every existing model file."""
    try:
        from cl_ml_tools import model_check, models
    except ImportError as error:
        raise _needs(error) from error
    bad: list[str] = []
    for model in models.KNOWN:
        path = models.path_of(model)
        if not path.is_file():
            if not model.optional:
                run.console.warn(f"{model.name} is missing: {model.task_type} is not offered")
            continue
        try:
            said, works = model_check.check(path, model), True
        except ImportError as error:
            raise _needs(error) from error
        except models.ModelError as error:
            said, works = str(error), False
            bad.append(model.name)
        run.console.result(
            {"task_type": model.task_type, "name": model.name, "works": works, "said": said},
            [(model.name, f"works: {said}" if works else said)],
            id=model.name,
        )
    if bad:
        raise ComputeClientError(f"{', '.join(bad)} cannot be used", hint="cl-client server models add FILE")


def _needs(error: ImportError) -> ComputeClientError:
    from cl_extras.install import install_command

    why = f"models need the extras [server,ml] ({error.name} is missing)"
    return ComputeClientError(why, hint=install_command("server", "ml"))
