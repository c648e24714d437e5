"""The rules of `diff`: every kind of change that it knows, and what it asks of the users of the client.

One principle gives the levels of values: a sender breaks if less is accepted, and a reader breaks if more can come or
if something promised is missing. So a change that breaks a sender in one direction breaks a reader in the other. The
client softens two cases, because it keeps unknown enum values and fields; the rules say so.

docs/changes.md contains this table.
"""

from __future__ import annotations

from typing import Final, Literal, cast

from attrs import frozen

from cl_codegen.diff.change import Level

Way = Literal["sent", "read"]
"""Whether the user of a client sends a value, or reads it."""

_B, _C, _W = Level.BREAKING, Level.COMPATIBLE, Level.COSMETIC


@frozen
class Rule:
    """One kind of change.

    Attributes:
        name: as reports and the documentation have it.
        what: when it applies, as the documentation has it.
        sent: the level for a user who sends the value.
        read: the level for a user who reads it.
    """

    name: str
    what: str
    sent: Level
    read: Level

    def level(self, way: Way) -> Level:
        return self.sent if way == "sent" else self.read


def _rule(name: str, what: str, sent: Level, read: Level | None = None) -> Rule:
    """A rule; with one level, it is the same for both."""
    return Rule(name, what, sent, sent if read is None else read)


# Operations
OPERATION_GONE = _rule("operation-gone", "an operation was removed", _B)
OPERATION_NEW = _rule("operation-new", "an operation was added", _C)
OPERATION_MOVED = _rule("operation-moved", "the path or the method of an operation changed", _B)
OPERATION_RENAMED = _rule("operation-renamed", "an operation has another name in Python or on the command line", _B)
OPERATION_ID = _rule("operation-id", "the operation id changed, but the names in the client didn't", _W)
ARGUMENTS_MOVED = _rule("arguments-moved", "the order of the positional arguments changed", _B)
TASK_TYPE = _rule("task-type", "the task type changed", _B)
DEPRECATED = _rule("deprecated", "an operation, a parameter or a field is deprecated", _C)
REACTIVATED = _rule("not-deprecated", "it is no longer deprecated", _W)
WORDS = _rule("words", "a title, a description, a summary, an example or the version changed", _W)

# The server
BASE_PATH_GONE = _rule("base-path-gone", "a base path of `servers` was removed", _B)
BASE_PATH_NEW = _rule("base-path-new", "a base path was added", _C)
SERVER_ADDRESS = _rule("server-address", "a host of `servers` changed; users set the host themselves", _W)

# Signing in
SIGN_IN_REFUSED = _rule("sign-in-refused", "a way to sign in was removed, or requires more", _B)
SIGN_IN_NEW = _rule("sign-in-new", "a way to sign in was added, or requires less", _C)
SIGN_IN_CHANGED = _rule("sign-in-changed", "a security scheme changed: its header, type or address", _B)

# Parameters and bodies
PARAMETER_GONE = _rule("parameter-gone", "a parameter was removed", _B)
PARAMETER_NEW = _rule("parameter-new", "an optional parameter was added", _C)
PARAMETER_NEW_REQUIRED = _rule("parameter-new-required", "a required parameter was added", _B)
PARAMETER_MOVED = _rule("parameter-moved", "a parameter moved, for example from the query to a header", _B)
PARAMETER_RENAMED = _rule("parameter-renamed", "a parameter has another name in Python or on the command line", _B)
PARAMETER_STYLE = _rule(
    "parameter-style",
    "`style`, `explode` or the encoding of a form changed, so that a value is serialized differently",
    _B,
)
REQUIRED = _rule("required", "a parameter, a field or a body became required", _B, _C)
OPTIONAL = _rule("optional", "a parameter, a field or a body became optional", _C, _B)
MEDIA_GONE = _rule("media-type-gone", "a media type of a body or a response was removed", _B)
MEDIA_NEW = _rule("media-type-new", "a media type was added", _C)

# Answers
SUCCESS_GONE = _rule("success-gone", "a success status was removed", _B)
SUCCESS_NEW = _rule("success-new", "a success status was added, which earlier clients treat as an error", _B)
ERROR_GONE = _rule("error-gone", "an error is no longer documented", _C)
ERROR_NEW = _rule("error-new", "an error was documented", _C)
ANSWER_EMPTY = _rule("answer-empty", "a response no longer has a body", _B)
ANSWER_FILLED = _rule("answer-filled", "a response without a body now has one", _C)
HEADER_GONE = _rule("header-gone", "a response header was removed", _B)
HEADER_NEW = _rule("header-new", "a response header was added", _C)
OUTPUT = _rule("output", "the output of a job has a different schema", _B)

# Values
TYPE_NARROWED = _rule("type-narrowed", "fewer types are permitted", _B, _C)
TYPE_WIDENED = _rule("type-widened", "more types are permitted", _C, _B)
TYPE_CHANGED = _rule(
    "type-changed",
    "the type changed, or a format that changes the type in Python (date, date-time, uuid, binary)",
    _B,
)
NULL_REFUSED = _rule("null-refused", "null is no longer permitted", _B, _C)
NULL_TAKEN = _rule("null-taken", "null became permitted", _C, _B)
SCHEMA = _rule(
    "schema", "the reference leads to another component with other values; breaking if one of its changes is", _B
)
ENUM_SET = _rule("enum-set", "any value was permitted, and now only some are", _B, _C)
ENUM_UNSET = _rule("enum-unset", "only some values were permitted, and now any is; the client keeps unknown values", _C)
ENUM_GONE = _rule("enum-value-gone", "an enum value was removed", _B, _C)
ENUM_NEW = _rule("enum-value-new", "an enum value was added; the client keeps unknown values", _C)
ENUM_OTHER = _rule("enum-other", "a constant changed, or an enum has none of its earlier values", _B)
BOUND_TIGHTER = _rule(
    "bound-tighter", "a minimum, a maximum, a length, a number of items, a step or a pattern allows less", _B, _W
)
BOUND_LOOSER = _rule(
    "bound-looser", "a minimum, a maximum, a length, a number of items, a step or a pattern allows more", _C, _B
)
PATTERN_CHANGED = _rule(
    "pattern-changed",
    "a pattern, a step or a condition changed, and it's unknown whether it allows more or less",
    _B,
)
FORMAT_NARROWER = _rule("format-narrower", "a format was added or became narrower (int64 to int32)", _B, _C)
FORMAT_WIDER = _rule("format-wider", "a format was removed or became wider (int32 to int64)", _C, _B)
DEFAULT = _rule("default", "a default of the server changed; the client never sends defaults", _C)
DISCRIMINATOR = _rule(
    "discriminator",
    "the discriminator field of a union changed, or one of its values selects another member",
    _B,
)
CONDITION_NEW = _rule(
    "condition-new",
    "a condition was added: not, if, contains, propertyNames, patternProperties, dependentRequired …",
    _B,
    _C,
)
CONDITION_GONE = _rule("condition-gone", "a condition was removed", _C, _B)

# Objects
FIELD_GONE = _rule("field-gone", "a field was removed", _B)
FIELD_NEW = _rule("field-new", "a field was added", _C)
FIELD_NEW_REQUIRED = _rule("field-new-required", "a field was added that has to be sent", _B)
FIELD_READ_ONLY = _rule("read-only", "a field became read-only", _B)
FIELD_WRITE_ONLY = _rule("write-only", "a field became write-only", _B)
FIELDS_CLOSED = _rule("fields-closed", "fields that a schema doesn't name are now refused", _B, _C)
FIELDS_OPENED = _rule("fields-opened", "fields that a schema doesn't name are now permitted; the client keeps them", _C)

# Events and webhooks
EVENT_GONE = _rule("event-gone", "an event or a webhook (a schema without an operation) was removed", _B)
EVENT_NEW = _rule("event-new", "an event or a webhook was added", _C)

# The package
PYTHON_NAME = _rule("python-name", "a name or a signature of the generated package changed, so that code fails", _B)
PYTHON_CLASS = _rule(
    "python-class",
    "a class that is only read was renamed or removed: code that reads its values works, but an import of it fails",
    _C,
)

_NAMED = cast("dict[str, object]", globals())
RULES: Final = tuple(one for one in [*_NAMED.values()] if isinstance(one, Rule))
"""All of them, in the order of the documentation."""
