"""The client: one object that submits, watches and downloads."""

from __future__ import annotations

from cl_client.job_client import EmbeddingClient, JobClient
from cl_plugins.contract import CONTRACT
from cl_plugins.operations.operations import Operations
from cl_plugins.plugins import Plugins

__all__ = ["ComputeClient", "EmbeddingClient", "JobClient"]


class ComputeClient(EmbeddingClient, Plugins, Operations):
    """A client for one compute server and one event loop.

    Each plugin of the server is a property: `await client.hash.compute("photo.jpg", wait=True)`. Other operations are
    grouped by tag: `await client.admin.get_storage_size()`.
    """

    contract = CONTRACT
