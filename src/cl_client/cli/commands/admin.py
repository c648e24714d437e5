"""`cl-client admin`: the operations of the server for admins, and short commands for the ones that people use most."""

# Annotations are not strings here: cyclopts reads them.
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from cl_client.cli.running.run import Run
from cl_plugins.operations.commands.admin import app as operations

if TYPE_CHECKING:
    from cl_client.wire.types import JSONObject

_PAUSE: Final = 0.5
"""Seconds between two looks at a cleanup."""

app = App(name="admin", help="Settings and storage of the server (admins only).")
app.update(operations)


@app.command(name="size")
def size(*, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """Show how many jobs have files on the server, and how large the files are."""
    run.complete(_size(run))


@app.command(name="cleanup")
def cleanup(
    *,
    days: Annotated[
        int,
        Parameter(help="Delete jobs that ended more than N days ago.", metavar="N", validator=Number(gte=0)),
    ],
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Delete old jobs and their files, and wait until it is done.

    Example: cl-client admin cleanup --days 30
    """
    run.complete(_cleanup(run, days))


@app.command(name="guest-mode")
def guest_mode(
    setting: Annotated[
        Literal["on", "off"] | None, Parameter(help="on accepts jobs without a login. Without it, show the setting.")
    ] = None,
    /,
    *,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Show whether guests can use the server, or change it."""
    run.complete(_guest_mode(run, setting))


async def _size(run: Run) -> None:
    from rich.filesize import decimal

    from cl_plugins.operations.admin import AdminOperations

    async with run.api() as api:
        found = await AdminOperations(api).get_storage_size()
    rows = [("jobs", str(found.job_count)), ("size", decimal(found.total_size))]
    run.console.result(found.to_dict(), rows, id=str(found.total_size))


async def _cleanup(run: Run, days: int) -> None:
    import asyncio

    from rich.filesize import decimal

    from cl_plugins.operations.admin import AdminOperations

    async with run.api() as api:
        done = await AdminOperations(api).clean_up_jobs(days=days)
        while done.running:
            await asyncio.sleep(_PAUSE)
            done = await AdminOperations(api).get_cleanup()
    rows = [("deleted", f"{done.deleted_count} jobs"), ("freed", decimal(done.freed_space))]
    run.console.result(done.to_dict(), rows, id=str(done.deleted_count))


async def _guest_mode(run: Run, setting: str | None) -> None:
    from cl_api.compute.models import BodySetGuestMode
    from cl_plugins.operations.admin import AdminOperations

    async with run.api() as api:
        if setting is None:
            now = await AdminOperations(api).get_admin_config()
        else:
            now = await AdminOperations(api).set_guest_mode(body=BodySetGuestMode(guest_mode=setting == "on"))
    said = "on" if now.guest_mode else "off"
    record: JSONObject = {"guest_mode": now.guest_mode}
    run.console.result(record, [("guest mode", said)], id=said)
