"""Media types that come and go."""

from __future__ import annotations

from collections.abc import Iterator

from cl_codegen.diff import rules
from cl_codegen.diff.rules import Rule, Way
from cl_codegen.spec.spec import JSONObject


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


def by_media_type(content: JSONObject) -> JSONObject:
    """The bodies by their media type, without what says nothing of the type: its case, its charset."""
    return {_plain(kind): media for kind, media in content.items()}


def _plain(kind: str) -> str:
    name, *others = (part.strip() for part in kind.split(";"))
    return "; ".join([name.lower(), *(one for one in others if not one.lower().startswith("charset"))])


def _takes(wide: str, narrow: str) -> bool:
    """Whether one media type, or range of them (RFC 9110 §12.5.1), has another in it."""
    if wide in {narrow, "*/*"}:
        return True
    return wide.endswith("/*") and narrow.startswith(wide[:-1])
