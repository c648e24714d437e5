"""The basis of generated commands for operations that aren't jobs.

Light, because the help of every command imports it. Annotations are not strings here: cyclopts reads them.
"""

import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from cl_client.errors import InvalidParameterError
from cl_client.runtime.place import STANDARD, Place

if TYPE_CHECKING:
    from cl_client.wire.client import Client

Value = TypeVar("Value")


class OperationRunner(Protocol):
    """Calls operations for commands; the command line gives one to each command that it calls."""

    def operation(self, method: "Callable[[Client], Coroutine[object, object, object]]") -> None:
        """Call an operation, and print what the server answers.

        Args:
            method: calls it; given the wire layer of a client.
        """
        ...

    def saved(self, method: "Callable[[Client, Path], Coroutine[object, object, Path]]", dest: Place) -> None:
        """Call an operation that returns a file. Save it and print its path, or write it to stdout.

        Args:
            method: Calls the operation, with the wire layer of a client and the path of the file.
            dest: The destination.
        """
        ...

    def each(self, method: "Callable[[Client], AsyncGenerator[object]]", at_most: int | None = None) -> None:
        """Print the items of an operation one by one, as they arrive.

        Args:
            method: Calls the operation, with the wire layer of a client.
            at_most: The maximum number of items. Default: all.
        """
        ...


def body_option(text: str) -> str:
    """A body as it was written: JSON, `@FILE` that holds it, or `-` for standard input.

    Raises:
        InvalidParameterError: the file cannot be read.
    """
    try:
        if text in ("-", STANDARD):
            return sys.stdin.read()
        return Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidParameterError(f"{text[1:]} cannot be read: {error}") from None


def read_text(name: str, text: str, read: Callable[[str], Value]) -> Value:
    """An option that is written as text, as the value that it means.

    Raises:
        InvalidParameterError: it means none.
    """
    try:
        return read(text)
    except ValueError as error:
        raise InvalidParameterError(f"{name} does not match the schema of the server: {error}") from None
