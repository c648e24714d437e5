"""Questions to the user. Without a terminal, the error says how to answer in advance."""

from __future__ import annotations

import sys

from cl_client.errors import InvalidParameterError

STDIN = "-"


def line(question: str, *, otherwise: str) -> str:
    """A line from the terminal.

    Args:
        question: what is asked.
        otherwise: how to say it beforehand.

    Raises:
        InvalidParameterError: there is no terminal, or no answer.
    """
    answer = _answer(question, otherwise)
    if not answer:
        raise InvalidParameterError(f"no answer: {otherwise}")
    return answer


def password(question: str, *, otherwise: str) -> str:
    """A password from the terminal, which does not show it.

    Raises:
        InvalidParameterError: there is no terminal, or no answer.
    """
    from getpass import getpass

    _expect_terminal(otherwise)
    answer = getpass(f"{question}: ")
    if not answer:
        raise InvalidParameterError(f"no password: {otherwise}")
    return answer


def password_from_stdin(question: str) -> str:
    """The next line of stdin, for scripts; a terminal is asked.

    Raises:
        InvalidParameterError: there is none.
    """
    if sys.stdin.isatty():
        return password(question, otherwise="write one")
    answer = sys.stdin.readline().rstrip("\r\n")
    if not answer:
        raise InvalidParameterError("there is no password on stdin")
    return answer


def confirmed(question: str, *, option: str) -> bool:
    """Whether the user answers yes; Enter alone means no.

    Raises:
        InvalidParameterError: there is no terminal to ask on; it names the option that answers in advance.
    """
    return _answer(f"{question} [y/N]", f"{question} Then say {option}").casefold() in ("y", "yes")


def _answer(question: str, otherwise: str) -> str:
    _expect_terminal(otherwise)
    sys.stderr.write(f"{question}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _expect_terminal(otherwise: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidParameterError(f"there is no terminal to ask: {otherwise}")
