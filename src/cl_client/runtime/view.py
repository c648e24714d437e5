"""Views: what people would rather look at than an output as it comes. The manifest names one for a plugin.

Here are the options that the commands of such plugins have; `cl_client.cli.views.viewer` draws the views. Light: the
help of commands imports it. Annotations are not strings here: cyclopts reads them.
"""

from typing import Annotated, Literal

from attrs import frozen
from cyclopts import Group, Parameter

Show = Literal["auto", "kitty", "iterm2", "sixel", "never"]

_VIEW = Group("Options of the view", sort_key=8)


@frozen(kw_only=True, repr=False)
class View:
    """An output as it comes: name and value of each field."""


@Parameter(name="*", group=_VIEW)
@frozen(kw_only=True, repr=False)
class FacesView(View):
    """`view = "faces"`: a line for each of the output's `faces`, and a picture of them.

    Attributes:
        preview: draw them.
    """

    preview: Annotated[
        bool,
        Parameter(negative="", help="Save a picture with the faces drawn into it.", show_default=False),
    ] = False


@Parameter(name="*", group=_VIEW)
@frozen(kw_only=True, repr=False)
class PictureView(View):
    """`view = "picture"`: the artifact is a picture, which some terminals can show.

    Attributes:
        show: the protocol of the terminal; `auto` goes by what the environment says of it.
    """

    show: Annotated[Show, Parameter(help="Show the picture in the terminal, if it supports that.")] = "auto"


@Parameter(name="*")
@frozen(kw_only=True, repr=False)
class TableView(View):
    """`view = "table"`: the objects in the output are a line for each of their fields too."""
