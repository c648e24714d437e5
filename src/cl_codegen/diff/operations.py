"""What changed in the operations of a server: which there are, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator

from cl_codegen.diff import rules
from cl_codegen.diff.answers import answers
from cl_codegen.diff.change import Change
from cl_codegen.diff.operation import Operation, pairs
from cl_codegen.diff.parameters import parameters
from cl_codegen.diff.schemas import Comparison
from cl_codegen.diff.sign_in import SignIn


def operations(old: list[Operation], new: list[Operation], schemas: Comparison, sign_in: SignIn) -> Iterator[Change]:
    """The changes of operations."""
    found, gone, came = pairs(old, new)
    for before, after in found:
        yield from _operation(before, after, schemas, sign_in)
    for operation in gone:
        yield operation.change(rules.OPERATION_GONE, "operation", "the operation is gone")
    for operation in came:
        asked = operation.arguments
        what = f"the operation is new, with {', '.join(asked)}" if asked else "the operation is new"
        yield operation.change(rules.OPERATION_NEW, "operation", what)


def _operation(old: Operation, new: Operation, schemas: Comparison, sign_in: SignIn) -> Iterator[Change]:
    yield from _names(old, new)
    if old.base != new.base and (old.has_own_servers or new.has_own_servers):
        what = f"the base path is {new.base or '/'} now, was {old.base or '/'}"
        yield new.change(rules.BASE_PATH_GONE, "operation", what)
    if old.route != new.route and old.whole_route != new.whole_route:
        what = f"is {new.method.upper()} {new.path} now, was {old.method.upper()} {old.path}"
        yield new.change(rules.OPERATION_MOVED, "operation", what)
    for key in ("summary", "description"):
        if old.value.get(key) != new.value.get(key):
            yield new.change(rules.WORDS, "operation", f"the {key} is another")
    deprecated = old.value.get("deprecated") is True, new.value.get("deprecated") is True
    if deprecated[0] != deprecated[1]:
        rule = rules.DEPRECATED if deprecated[1] else rules.REACTIVATED
        yield new.change(rule, "operation", "is deprecated now" if deprecated[1] else "is not deprecated any more")
    yield from sign_in.operation(old, new)
    yield from parameters(old, new, schemas)
    yield from answers(old, new, schemas)


def _names(old: Operation, new: Operation) -> Iterator[Change]:
    if old.python and new.python and old.python != new.python:
        yield new.change(rules.OPERATION_RENAMED, "operation", f"is called {new.python} now, was {old.python}")
    elif old.value.get("operationId") != new.value.get("operationId"):
        what = f"the operation id is {new.value.get('operationId')} now, was {old.value.get('operationId')}"
        yield new.change(rules.OPERATION_ID, "operation", what)
    if old.cli and old.cli != new.cli:
        what = f"the command is {new.cli or 'gone'} now, was {old.cli}"
        yield new.change(rules.OPERATION_RENAMED, "operation", what)
    if old.plugin and new.plugin and old.plugin.task_type != new.plugin.task_type:
        what = f"the task type is {new.plugin.task_type.raw} now, was {old.plugin.task_type.raw}"
        yield new.change(rules.TASK_TYPE, "operation", what)
    if old.plugin and new.plugin:
        before = [parameter.name for parameter in old.plugin.parameters]
        after = [parameter.name for parameter in new.plugin.parameters]
        kept = [name for name in before if name in after]
        if after[: len(kept)] != kept:
            what = f"positional arguments are ({', '.join(after)}) now, were ({', '.join(before)})"
            yield new.change(rules.ARGUMENTS_MOVED, "operation", f"{what}; `order` in the manifest keeps them")
