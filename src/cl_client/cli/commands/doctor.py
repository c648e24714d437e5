"""`cl-client doctor`: whether you can run jobs, and if not, why not."""

# Annotations are not strings here: cyclopts reads them.
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cl_client.cli.running.run import Run
from cl_client.errors import ComputeClientError

if TYPE_CHECKING:
    from cl_client.cli.doctor.diagnosis import Finding
    from cl_client.cli.output.console import Console


def doctor(*, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """Check that you can run jobs, and show what to fix.

    The command checks the servers with their versions, clocks and TLS, the broker, your user with its permissions, and
    the workers. Each check is ok, a warning (you can run jobs) or failed. The exit code is 1 if a check failed.
    """
    run.complete(_doctor(run))


async def _doctor(run: Run) -> None:
    from cl_client.cli.doctor.checkup import examine
    from cl_client.cli.doctor.diagnosis import diagnose

    findings = list(diagnose(await examine(run)))
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        _print(run.console, finding, width)
    if failed := sum(finding.state == "failed" for finding in findings):
        raise ComputeClientError(f"{failed} of {len(findings)} checks failed")


def _print(console: "Console", finding: "Finding", width: int) -> None:
    if console.quiet and not console.as_json and finding.state == "ok":
        return
    console.line(
        {"check": finding.check, "state": finding.state, "message": finding.message, "hint": finding.hint},
        f"{finding.state:<7}  {finding.check:<{width}}  {finding.message}",
        id=finding.check,
    )
    if finding.hint is not None and not console.as_json and not console.quiet:
        console.line({}, f"{'':<7}  {'':<{width}}  next: {finding.hint}", id="")
