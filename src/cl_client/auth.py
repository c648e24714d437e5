"""Who a request comes from: the public name of `cl_client.http.auth`."""

from cl_client.http.auth import AuthProvider, JWTAuthProvider, NoAuthProvider
from cl_client.http.oauth import ClientCredentials

__all__ = ["AuthProvider", "ClientCredentials", "JWTAuthProvider", "NoAuthProvider"]
