"""`/` and `/capabilities`: the server itself."""

from importlib.metadata import version

from fastapi import APIRouter

from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.guest_mode import Guests
from cl_server.schemas import ServerInfo, WorkerCapabilitiesResponse


def create_router(capabilities: Capabilities, guests: Guests) -> APIRouter:
    """The routes about the server."""
    router = APIRouter(tags=["server"])
    # The server ships with the client, and has its version.
    known = version("cl-client")

    @router.get("/", operation_id="get_server_info", summary="Get the server's status and version")
    async def get_server_info() -> ServerInfo:
        open_to_all = guests.on
        return ServerInfo(
            status="ok",
            service="compute",
            version=known,
            guestMode="on" if open_to_all else "off",
            auth_required=not open_to_all,
        )

    @router.get("/capabilities", operation_id="get_capabilities", summary="Get the capabilities of the workers")
    async def get_capabilities() -> WorkerCapabilitiesResponse:
        return capabilities.summary()

    del get_server_info, get_capabilities
    return router
