"""Times that callers give: numbers of seconds, and nothing that only looks like one."""

from __future__ import annotations

import math
import numbers

from cl_client.errors import InvalidParameterError


def seconds(name: str, value: object) -> float | None:
    """A time as a number; `None` stays.

    Args:
        name: of the parameter, for the message.
        value: what was given for it.

    Raises:
        InvalidParameterError: it is no number of seconds (a text, `True`, NaN).
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or math.isnan(value):
        raise InvalidParameterError(f"{name} is {value!r}, and has to be a number of seconds")
    return float(value)


def positive(name: str, value: object) -> float | None:
    """As `seconds`, for a time that has to be more than nothing."""
    number = seconds(name, value)
    if number is not None and number <= 0:
        raise InvalidParameterError(f"{name} has to be more than 0 seconds")
    return number
