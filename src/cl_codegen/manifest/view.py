"""The views that a manifest can name: what people would rather look at than an output as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen


@frozen(kw_only=True)
class View:
    """A view of the command line.

    Attributes:
        options: the class of `cl_client.runtime.view` with its options.
        flags: those, which no option of a plugin can have.
        fields: what the output has to have for it.
        needs_artifact: whether it is about the artifact.
    """

    options: str
    flags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    needs_artifact: bool = False


VIEWS: Final[Mapping[str, View]] = {
    "faces": View(options="FacesView", flags=("--preview",), fields=("faces",)),
    "picture": View(options="PictureView", flags=("--show",), needs_artifact=True),
    "table": View(options="TableView"),
}
