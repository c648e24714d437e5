"""`python -m cl_server.stack.child_guard command …`: runs a foreign program so that it never outlives this one.

Writes the program's process id to standard output. Ends the program when standard input ends, which is
when the parent has ended, and passes SIGTERM and SIGINT on. On Linux the program also dies with the guard
itself (prctl(2), PR_SET_PDEATHSIG).
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

PR_SET_PDEATHSIG = 1
GRACE = 3.0


def main(argv: list[str]) -> int:
    """Run the program; returns its exit status, as a shell would give it."""
    if not argv:
        sys.stderr.write("usage: python -m cl_server.stack.child_guard command [argument …]\n")
        return 2
    guard = os.getpid()

    def die_with_guard() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)

    linux = sys.platform.startswith("linux")
    # No thread runs yet, so a function between fork and exec is safe.
    program = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=sys.stderr, preexec_fn=die_with_guard if linux else None
    )

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        program.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    sys.stdout.write(f"{program.pid}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_parent, args=(program,), daemon=True).start()
    code = program.wait()
    return code if code >= 0 else 128 - code


def _end_with_parent(program: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 1024):
        pass
    program.terminate()
    try:
        program.wait(GRACE)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
