"""Which viewer shows the results of a command."""

from __future__ import annotations

from cl_client.cli.output.console import Console
from cl_client.cli.views.viewer import TableViewer, Viewer
from cl_client.runtime.view import FacesView, PictureView, TableView, View


def viewer_of(view: View, console: Console) -> Viewer:
    """Who shows that. What draws pictures is imported only where it is asked for."""
    match view:
        case FacesView():
            from cl_client.cli.views.faces import FacesViewer

            return FacesViewer(console, view)
        case PictureView():
            from cl_client.cli.views.picture import PictureViewer

            return PictureViewer(console, view)
        case TableView():
            return TableViewer(console)
        case _:
            return Viewer(console)
