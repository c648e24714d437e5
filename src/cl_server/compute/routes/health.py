"""`/healthz`, `/readyz` and `/metrics`: for operators."""

import ipaddress
from collections.abc import Sequence
from functools import partial

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from cl_server.http.health import Health
from cl_server.settings import Network

# With one of them, the address of the peer is that of a proxy (RFC 7239).
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def create_router(health: Health, registry: CollectorRegistry, metrics_for: Sequence[Network]) -> APIRouter:
    """The routes, which no client needs: they are not in the document. `metrics_for`: who may see the metrics."""
    router = APIRouter(include_in_schema=False)
    # A thread apart from those that keep uploads: however many of them there are, a scrape is answered.
    scrape = CapacityLimiter(1)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> Response:
        return JSONResponse(health.report(), 200 if health.ready else 503)

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        if not comes_from(request, metrics_for):
            raise HTTPException(403, "metrics are for the networks in CL_METRICS_FOR, and not through a proxy")
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        content = await to_thread.run_sync(partial(encode, registry), limiter=scrape)
        return Response(content, media_type=content_type)

    del healthz, readyz, metrics
    return router


def comes_from(request: Request, networks: Sequence[Network]) -> bool:
    """Whether a request was sent from one of the networks, by the peer itself."""
    if request.client is None or any(header in request.headers for header in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    return any(address in network for network in networks)
