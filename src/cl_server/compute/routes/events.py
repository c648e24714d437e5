"""`GET /events`: what happens to the jobs of a user, as server-sent events (HTML Living Standard, section 9.2)."""

from typing import Annotated

from fastapi import APIRouter, Header, HTTPException
from fastapi.responses import StreamingResponse

from cl_server.compute.live_jobs import LiveJobs
from cl_server.compute.routes.jobs import CurrentUser

# nginx would keep it until it has a page full.
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def create_router(live: LiveJobs) -> APIRouter:
    """The route; docs/page.md describes it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/events")
    async def follow_events(
        user: CurrentUser, last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        if live.is_full:
            raise HTTPException(503, "too many watch this server", {"retry-after": "30"})
        return StreamingResponse(live.follow(user, last_event_id), media_type="text/event-stream", headers=HEADERS)

    del follow_events
    return router
