"""Media types by what they are."""

from typing import Final

EVENTS: Final = "text/event-stream"
"""Events of a server (WHATWG HTML §9.2)."""

LINES: Final = frozenset(
    [
        *("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl"),
        *("application/jsonlines", "application/x-jsonlines", "application/json-lines", "application/json-seq"),
        "application/stream+json",
    ]
)
"""JSON by the line (jsonlines.org, RFC 7464)."""

STREAMS: Final = LINES | {EVENTS}
YAML: Final = frozenset(["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"])
"""RFC 9512, and as it was called before."""


def plain(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()
