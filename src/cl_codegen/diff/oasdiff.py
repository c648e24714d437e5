"""Which checks of oasdiff are about the same as the rules of `diff`, for who knows these.

Names only: the levels are ours (`rules`), and may be others. https://github.com/oasdiff/oasdiff has the checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cl_codegen.diff.rules import RULES

CHECKS: Final[Mapping[str, tuple[str, ...]]] = {
    "operation-gone": (
        "api-removed-without-deprecation",
        "api-path-removed-without-deprecation",
    ),
    "operation-new": ("endpoint-added",),
    "operation-moved": ("api-path-removed-without-deprecation",),
    "operation-renamed": (
        "api-operation-id-removed",
        "api-tag-removed",
    ),
    "operation-id": ("api-operation-id-removed",),
    "deprecated": (
        "endpoint-deprecated",
        "request-parameter-deprecated",
        "response-property-deprecated",
    ),
    "not-deprecated": ("endpoint-reactivated",),
    "sign-in-refused": (
        "api-security-removed",
        "api-global-security-removed",
        "api-security-scope-added",
        "api-global-security-scope-added",
    ),
    "sign-in-new": (
        "api-security-added",
        "api-global-security-added",
        "api-security-scope-removed",
        "api-global-security-scope-removed",
    ),
    "sign-in-changed": (
        "api-security-component-type-changed",
        "api-security-component-oauth-url-changed",
        "api-security-component-oauth-token-url-changed",
    ),
    "parameter-gone": (
        "request-parameter-removed",
        "request-property-removed",
        "request-body-removed",
    ),
    "parameter-new": (
        "new-optional-request-parameter",
        "new-optional-request-property",
        "request-body-added-optional",
    ),
    "parameter-new-required": (
        "new-required-request-parameter",
        "new-required-request-property",
        "new-request-path-parameter",
        "request-body-added-required",
    ),
    "required": (
        "request-parameter-became-required",
        "request-property-became-required",
        "request-body-became-required",
        "response-property-became-required",
    ),
    "optional": (
        "request-parameter-became-optional",
        "request-property-became-optional",
        "request-body-became-optional",
        "response-property-became-optional",
        "response-header-became-optional",
    ),
    "media-type-gone": (
        "request-body-media-type-removed",
        "response-media-type-removed",
    ),
    "media-type-new": (
        "request-body-media-type-added",
        "response-media-type-added",
    ),
    "success-gone": ("response-success-status-removed",),
    "success-new": ("response-success-status-added",),
    "error-gone": ("response-non-success-status-removed",),
    "error-new": ("response-non-success-status-added",),
    "answer-empty": ("response-media-type-removed",),
    "answer-filled": ("response-media-type-added",),
    "header-gone": (
        "optional-response-header-removed",
        "required-response-header-removed",
    ),
    "header-new": ("response-header-added",),
    "type-narrowed": (
        "request-parameter-type-changed",
        "request-parameter-property-type-specialized",
        "request-property-any-of-removed",
        "request-property-one-of-removed",
        "response-property-type-specialized",
        "response-property-one-of-removed",
    ),
    "type-widened": (
        "request-parameter-type-generalized",
        "request-property-type-generalized",
        "request-property-any-of-added",
        "request-property-one-of-added",
        "response-property-type-generalized",
        "response-property-one-of-added",
    ),
    "type-changed": (
        "request-parameter-type-changed",
        "request-property-type-changed",
        "response-property-type-changed",
    ),
    "null-refused": (
        "request-property-became-not-nullable",
        "response-property-became-not-nullable",
    ),
    "null-taken": (
        "request-property-became-nullable",
        "response-property-became-nullable",
    ),
    "enum-set": (
        "request-property-became-enum",
        "request-parameter-became-enum",
        "request-body-became-enum",
    ),
    "enum-value-gone": (
        "request-property-enum-value-removed",
        "request-parameter-enum-value-removed",
        "response-property-enum-value-removed",
    ),
    "enum-value-new": (
        "request-property-enum-value-added",
        "request-parameter-enum-value-added",
        "response-property-enum-value-added",
    ),
    "enum-other": (
        "request-property-const-changed",
        "response-property-const-changed",
    ),
    "bound-tighter": (
        "request-property-min-increased",
        "request-property-max-decreased",
        "request-property-min-length-increased",
        "request-property-max-length-decreased",
        "request-property-min-items-increased",
        "request-parameter-max-items-decreased",
        "request-property-pattern-added",
        "request-parameter-min-increased",
        "request-parameter-max-decreased",
        "request-parameter-pattern-added",
    ),
    "bound-looser": (
        "request-property-min-decreased",
        "request-property-max-increased",
        "request-property-pattern-removed",
        "response-property-min-decreased",
        "response-property-max-increased",
        "response-property-min-length-decreased",
        "response-property-max-length-increased",
        "response-property-max-length-unset",
        "response-property-pattern-removed",
    ),
    "pattern-changed": (
        "request-property-pattern-changed",
        "request-parameter-pattern-changed",
        "response-property-pattern-changed",
    ),
    "format-narrower": ("request-property-type-changed",),
    "format-wider": ("response-property-type-changed",),
    "default": (
        "request-parameter-default-value-changed",
        "request-property-default-value-changed",
        "response-property-default-value-changed",
    ),
    "discriminator": (
        "request-property-discriminator-property-name-changed",
        "request-property-discriminator-mapping-changed",
        "response-property-discriminator-property-name-changed",
        "response-property-discriminator-mapping-changed",
    ),
    "condition-new": (
        "response-property-if-added",
        "response-property-contains-added",
        "response-property-property-names-added",
    ),
    "condition-gone": (
        "response-property-if-removed",
        "response-property-contains-removed",
        "response-property-property-names-removed",
    ),
    "field-gone": (
        "request-property-removed",
        "response-required-property-removed",
        "response-optional-property-removed",
    ),
    "field-new": (
        "new-optional-request-property",
        "response-optional-property-added",
        "response-required-property-added",
    ),
    "field-new-required": ("new-required-request-property",),
    "read-only": (
        "request-optional-property-became-read-only",
        "request-required-property-became-read-only",
    ),
    "write-only": (
        "response-optional-property-became-write-only",
        "response-required-property-became-write-only",
    ),
}
"""By the name of the rule; those that are not here have no check there."""


def table() -> str:
    """The rules as the table of docs/changes.md."""
    lines = ["| Rule | When | Senders | Readers | oasdiff |", "|---|---|---|---|---|"]
    for rule in RULES:
        checks = " ".join(f"`{check}`" for check in CHECKS.get(rule.name, ())) or "–"
        levels = (level.name.lower() for level in (rule.sent, rule.read))
        lines.append(f"| `{rule.name}` | {rule.what} | {' | '.join(levels)} | {checks} |")
    return "\n".join(lines) + "\n"
