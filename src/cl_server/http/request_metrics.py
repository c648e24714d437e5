"""How requests fare, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Histogram

# The methods of HTTP. Others are inventions of clients, and each would be a new series.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
# Seconds: a health check, a submit, an upload.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class RequestMetrics:
    """Counts requests by method, route and status: none of them a word that a client could choose."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answered = Counter(
            "cl_http_requests", "Requests that were answered.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "cl_http_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._received = Counter("cl_upload_bytes", "What came as bodies of requests.", registry=registry)

    def received(self, size: int) -> None:
        """Count the bytes of a part of a body."""
        self._received.inc(size)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an ended request."""
        known = method if method in METHODS else "other"
        self._answered.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)
