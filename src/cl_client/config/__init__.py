"""What the client is configured with: addresses, ports, topics and times."""

from cl_client.config.defaults import ComputeClientConfig, ConnectionLimits, Timeouts
from cl_client.config.servers import Credentials, ServerConfig

__all__ = ["ComputeClientConfig", "ConnectionLimits", "Credentials", "ServerConfig", "Timeouts"]
