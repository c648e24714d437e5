"""Fields of a form that nobody reads: to drop them in silence would be to do something else than was asked for."""

from collections.abc import Collection, Iterable

from fastapi import Request
from fastapi.exceptions import RequestValidationError

# How many are named, and how much of each.
MOST = 10
LONGEST = 64


async def refuse_others(request: Request, known: Collection[str]) -> None:
    """Raise `RequestValidationError` where a form has fields besides those that are known."""
    refuse(await request.form(), known)


def refuse(names: Iterable[str], known: Collection[str]) -> None:
    """The same of these names."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        said = f"there is no such field; there are {', '.join(sorted(known))}"
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("body", name[:LONGEST]), "msg": said} for name in unknown[:MOST]]
        )
