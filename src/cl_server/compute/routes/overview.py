"""`GET /overview`: how the jobs of a user fare."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from cl_server.compute.overview import OverviewResponse, Overviews
from cl_server.compute.routes.jobs import CurrentUser
from cl_server.queue.overview import Whose


def create_router(overviews: Overviews) -> APIRouter:
    """The route; docs/page.md describes it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/overview")
    def get_overview(
        user: CurrentUser, window: Annotated[Literal["1h", "24h", "7d"], Query()] = "1h"
    ) -> OverviewResponse:
        return overviews.of(Whose(None if user.is_admin else user.id, everybody=user.is_admin), window)

    del get_overview
    return router
