"""A process that works on a job: `python -m tests.conformance.attempter FOLDER URL JOB`. Says how far it is."""

import sys
from pathlib import Path

from cl_server.files.local import open_storage


def main(folder: str, url: str, job_id: str) -> None:
    """Write outputs, hand them in, publish them; wait for a line before it publishes."""
    workspace = open_storage(Path(folder), url or None, "killed").begin_attempt(job_id, 1)
    (workspace.outputs / "result.txt").write_text("of the first")
    (workspace.outputs / "more.txt").write_text("of the first")
    workspace.hand_in()
    say("handed in")
    workspace.publish()
    say("published")


def say(word: str) -> None:
    """Tell, and wait."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
