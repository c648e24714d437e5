"""A worker that may have so much memory: what asks for more fails by itself, and what is freed goes back."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds what a process has")

BOUNDED = """
from cl_server.workers import memory
from cl_ml_tools.worker import explain

assert memory.bound(200 << 20)
for _ in range(3):
    kept = bytearray(60 << 20)
    try:
        bytearray(400 << 20)
    except MemoryError as error:
        result = explain("paint", error)
        print(result["error"], result["transient"])
    del kept
"""

GIVEN_BACK = """
from cl_server.workers import memory

# So small that they are no mappings of their own, and one at the end that keeps the rest from shrinking by itself.
pieces = [bytearray(64 << 10) for _ in range(3000)]
last = bytearray(64 << 10)
before = memory.resident()
del pieces
memory.give_back()
print(before - memory.resident() > 100 << 20)
"""


def run(program: str) -> list[str]:
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()


def test_what_asks_for_more_fails_in_one_line_and_the_rest_goes_on() -> None:
    assert run(BOUNDED) == ["paint: the file needs more memory than a job may have on this server False"] * 3


def test_what_was_freed_goes_back_to_the_system() -> None:
    assert run(GIVEN_BACK) == ["True"]
