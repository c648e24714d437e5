"""Labels of jobs: names and values that users choose, to find jobs again."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import HTTPException, Query
from pydantic import StringConstraints

MOST = 16
LONGEST_NAME = 63
LONGEST_VALUE = 256
# A name, `=`, and a value.
PATTERN = rf"^[A-Za-z0-9][A-Za-z0-9._/-]{{0,{LONGEST_NAME - 1}}}=.{{0,{LONGEST_VALUE}}}$"

Label = Annotated[str, StringConstraints(pattern=PATTERN)]

# Clients recognize the parameter by its extension.
SubmittedLabels = Annotated[
    list[Label],
    Query(
        max_length=MOST,
        description="Labels of the job, each as `name=value`, to find it again. A name has letters, digits and `._/-`.",
        json_schema_extra={"x-job-labels": True},
    ),
]
WantedLabels = Annotated[
    list[Label] | None,
    Query(
        max_length=MOST,
        description="Only jobs with all of these labels, each as `name=value`.",
        json_schema_extra={"x-job-labels": True},
    ),
]


def read_labels(written: Iterable[str]) -> dict[str, str]:
    """Labels by their names; of two with the same name, the last one counts. Raises 422 for values that aren't text."""
    labels: dict[str, str] = {}
    for label in written:
        name, _, value = label.partition("=")
        if not value.isprintable():
            raise HTTPException(422, f"the value of the label {name} contains characters that can't be shown")
        labels[name] = value
    return labels
