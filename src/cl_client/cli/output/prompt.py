"""Questions to the user. Without a terminal, the error says how to answer in advance."""

from __future__ import annotations

import sys

from cl_client.errors import InvalidParameterError

STDIN = "-"


def line(question: str, *, otherwise: str) -> str:
    """Read a line from the terminal.

    Args:
        question: The text of the prompt.
        otherwise: How to pass the value without a terminal.

    Raises:
        InvalidParameterError: There is no terminal, or no answer.
    """
    answer = _answer(question, otherwise)
    if not answer:
        raise InvalidParameterError(f"no answer: {otherwise}")
    return answer


def password(question: str, *, otherwise: str) -> str:
    """Read a password from the terminal, which doesn't show it.

    Raises:
        InvalidParameterError: There is no terminal, or no answer.
    """
    from getpass import getpass

    _expect_terminal(otherwise)
    answer = getpass(f"{question}: ")
    if not answer:
        raise InvalidParameterError(f"no password: {otherwise}")
    return answer


def password_from_stdin(question: str) -> str:
    """Read a password from the next line of stdin, or from the terminal.

    Raises:
        InvalidParameterError: There is none.
    """
    if sys.stdin.isatty():
        return password(question, otherwise="write one")
    answer = sys.stdin.readline().rstrip("\r\n")
    if not answer:
        raise InvalidParameterError("there is no password on stdin")
    return answer


def confirmed(question: str, *, option: str) -> bool:
    """Ask the user to confirm. Enter alone means no.

    Raises:
        InvalidParameterError: There is no terminal. The message names the option that confirms in advance.
    """
    return _answer(f"{question} [y/N]", f"to confirm '{question}', add {option}").casefold() in ("y", "yes")


def _answer(question: str, otherwise: str) -> str:
    _expect_terminal(otherwise)
    sys.stderr.write(f"{question}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _expect_terminal(otherwise: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidParameterError(f"the command can't ask, because stdin isn't a terminal: {otherwise}")
