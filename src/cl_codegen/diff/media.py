"""Media types that come and go."""

from __future__ import annotations

from collections.abc import Iterator

from cl_codegen.diff import rules
from cl_codegen.diff.rules import Rule, Way


def media_changes(old: list[str], new: list[str], way: Way) -> Iterator[tuple[Rule, str]]:
    """What it means that these are the media types of a body now, and those were."""
    lost = [one for one in old if not any(_takes(other, one) for other in new)]
    won = [one for one in new if not any(_takes(other, one) for other in old)]
    if lost and len(lost) == len(old) and new:
        subject = "the body is" if way == "sent" else "is"
        yield rules.MEDIA_GONE, f"{subject} {' or '.join(new)} now, was {' or '.join(old)}"
        return
    if lost:
        what = "the body may not be {} any more" if way == "sent" else "does not come as {} any more"
        yield rules.MEDIA_GONE, what.format(", ".join(lost))
    if won:
        what = "the body may be {} too" if way == "sent" else "may come as {} too"
        yield rules.MEDIA_NEW, what.format(", ".join(won))


def _takes(wide: str, narrow: str) -> bool:
    """Whether one media type, or range of them (RFC 9110 §12.5.1), has another in it."""
    wider, narrower = (one.partition(";")[0].strip().lower() for one in (wide, narrow))
    if wider in {narrower, "*/*"}:
        return True
    return wider.endswith("/*") and narrower.startswith(wider[:-1])
