"""The client: one object that submits, watches and fetches."""

from __future__ import annotations

from cl_client.job_client import EmbeddingClient, JobClient
from cl_plugins.contract import CONTRACT
from cl_plugins.operations.operations import Operations
from cl_plugins.plugins import Plugins

__all__ = ["ComputeClient", "EmbeddingClient", "JobClient"]


class ComputeClient(EmbeddingClient, Plugins, Operations):
    """A client of one compute server, for one event loop.

    Each plugin of the server is a property: `await client.hash.compute("photo.jpg", wait=True)`. So is what it does
    beside jobs, by tag: `await client.admin.get_storage_size()`. Otherwise as `JobClient`.
    """

    contract = CONTRACT
