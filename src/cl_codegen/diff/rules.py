"""The rules of `diff`: every kind of change that it knows, and what it asks of the users of the client.

One law gives the levels of values: who sends is hurt when less is accepted, who reads is hurt when more may come or
when something promised is gone. So what breaks a sender in one direction breaks a reader in the other; where the client
makes a difference (it keeps words and fields that it does not know), a rule says so.

docs/changes.md is this table.
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
        what: when it applies.
        sent: the level for who sends the value.
        read: the level for who reads it.
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
OPERATION_GONE = _rule("operation-gone", "an operation is gone", _B)
OPERATION_NEW = _rule("operation-new", "there is a new operation", _C)
OPERATION_MOVED = _rule("operation-moved", "the path or the method of an operation is another", _B)
OPERATION_RENAMED = _rule("operation-renamed", "an operation has another name in Python or on the command line", _B)
OPERATION_ID = _rule("operation-id", "the operation id is another, and the names of the client stay", _W)
ARGUMENTS_MOVED = _rule("arguments-moved", "the order of the positional arguments is another", _B)
TASK_TYPE = _rule("task-type", "the task type is another", _B)
DEPRECATED = _rule("deprecated", "an operation, a parameter or a field is deprecated", _C)
REACTIVATED = _rule("not-deprecated", "it is not deprecated any more", _W)
WORDS = _rule("words", "a title, a description, a summary or an example is another; the version is another", _W)

# The server
BASE_PATH_GONE = _rule("base-path-gone", "a base path of `servers` is gone", _B)
BASE_PATH_NEW = _rule("base-path-new", "there is one base path more", _C)
SERVER_ADDRESS = _rule("server-address", "a host of `servers` is another; a user says which one it is", _W)

# Signing in
SIGN_IN_REFUSED = _rule(
    "sign-in-refused", "who could call an operation cannot any more: a way to sign in is gone, or more is wanted", _B
)
SIGN_IN_NEW = _rule("sign-in-new", "there is one way more to sign in, or less is wanted", _C)
SIGN_IN_CHANGED = _rule("sign-in-changed", "a scheme is another: its header, its kind, its address", _B)

# Parameters and bodies
PARAMETER_GONE = _rule("parameter-gone", "a parameter is gone", _B)
PARAMETER_NEW = _rule("parameter-new", "there is a new parameter, which is optional", _C)
PARAMETER_NEW_REQUIRED = _rule("parameter-new-required", "there is a new parameter, which is required", _B)
PARAMETER_MOVED = _rule("parameter-moved", "a parameter goes in another place, as the header for the query", _B)
PARAMETER_RENAMED = _rule("parameter-renamed", "a parameter has another name in Python or on the command line", _B)
PARAMETER_STYLE = _rule(
    "parameter-style",
    "`style`, `explode` or the encoding of a form is another, so that a value is written otherwise",
    _B,
)
REQUIRED = _rule("required", "a parameter, a field or a body has to be there now", _B, _C)
OPTIONAL = _rule("optional", "a parameter, a field or a body may be missing now", _C, _B)
MEDIA_GONE = _rule("media-type-gone", "a media type of a body or of an answer is gone", _B)
MEDIA_NEW = _rule("media-type-new", "there is one media type more", _C)

# Answers
SUCCESS_GONE = _rule("success-gone", "a status of success is gone", _B)
SUCCESS_NEW = _rule("success-new", "there is a new status of success, which a client of before takes for an error", _B)
ERROR_GONE = _rule("error-gone", "an error is not documented any more", _C)
ERROR_NEW = _rule("error-new", "an error is documented that was not", _C)
ANSWER_EMPTY = _rule("answer-empty", "an answer has no body any more", _B)
ANSWER_FILLED = _rule("answer-filled", "an answer that had no body has one", _C)
HEADER_GONE = _rule("header-gone", "a header of an answer is gone", _B)
HEADER_NEW = _rule("header-new", "an answer has a header more", _C)
OUTPUT = _rule("output", "the output of a job is another schema", _B)

# Values
TYPE_NARROWED = _rule("type-narrowed", "fewer types are possible", _B, _C)
TYPE_WIDENED = _rule("type-widened", "more types are possible", _C, _B)
TYPE_CHANGED = _rule(
    "type-changed",
    "the type is another; a format that makes another type in Python too (date, date-time, uuid, binary)",
    _B,
)
NULL_REFUSED = _rule("null-refused", "null is not possible any more", _B, _C)
NULL_TAKEN = _rule("null-taken", "null is possible now", _C, _B)
SCHEMA = _rule(
    "schema", "another component stands there, and its values are others; breaking where one of these changes is", _B
)
ENUM_SET = _rule("enum-set", "any value was possible, and only some are", _B, _C)
ENUM_UNSET = _rule(
    "enum-unset", "only some values were possible, and any is; the client keeps what it does not know", _C
)
ENUM_GONE = _rule("enum-value-gone", "a word of an enum is gone", _B, _C)
ENUM_NEW = _rule("enum-value-new", "an enum has a word more; the client keeps words that it does not know", _C)
ENUM_OTHER = _rule("enum-other", "a constant is another, or not one word of an enum is as before", _B)
BOUND_TIGHTER = _rule(
    "bound-tighter", "a minimum, a maximum, a length, a number of items, a step or a pattern allows less", _B, _W
)
BOUND_LOOSER = _rule(
    "bound-looser", "a minimum, a maximum, a length, a number of items, a step or a pattern allows more", _C, _B
)
PATTERN_CHANGED = _rule(
    "pattern-changed",
    "a pattern, a step or a condition is another, and none can say whether it allows more or less",
    _B,
)
FORMAT_NARROWER = _rule("format-narrower", "a format is new, or has less room (int64 to int32)", _B, _C)
FORMAT_WIDER = _rule("format-wider", "a format is gone, or has more room (int32 to int64)", _C, _B)
DEFAULT = _rule("default", "the server takes another default; the client never sends one", _C)
DISCRIMINATOR = _rule(
    "discriminator",
    "the field that tells the members of a union apart is another, or a word of it means another member",
    _B,
)
CONDITION_NEW = _rule(
    "condition-new",
    "a condition is new: not, if, contains, propertyNames, patternProperties, dependentRequired …",
    _B,
    _C,
)
CONDITION_GONE = _rule("condition-gone", "a condition is gone", _C, _B)

# Objects
FIELD_GONE = _rule("field-gone", "a field is gone", _B)
FIELD_NEW = _rule("field-new", "there is a new field", _C)
FIELD_NEW_REQUIRED = _rule("field-new-required", "there is a new field, which has to be sent", _B)
FIELD_READ_ONLY = _rule("read-only", "a field that was sent is only read now", _B)
FIELD_WRITE_ONLY = _rule("write-only", "a field that was read is only sent now", _B)
FIELDS_CLOSED = _rule("fields-closed", "fields that a schema does not name are refused", _B, _C)
FIELDS_OPENED = _rule("fields-opened", "fields that a schema does not name are possible; the client keeps them", _C)

# Events and webhooks
EVENT_GONE = _rule("event-gone", "an event or a webhook is gone: a schema that no operation mentions", _B)
EVENT_NEW = _rule("event-new", "there is a new event or webhook", _C)

# The package
PYTHON_NAME = _rule(
    "python-name", "a name or a signature of the generated package is not as before, so that code fails", _B
)
PYTHON_CLASS = _rule(
    "python-class",
    "a class that is only read has another name, or none: code that reads its values holds, an import of it does not",
    _C,
)

_NAMED = cast("dict[str, object]", globals())
RULES: Final = tuple(one for one in [*_NAMED.values()] if isinstance(one, Rule))
"""All of them, in the order of the documentation."""
