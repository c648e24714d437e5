"""Who a request comes from: the public name of `cl_client.http.auth`."""

from cl_client.http.auth import AuthProvider, JWTAuthProvider, NoAuthProvider

__all__ = ["AuthProvider", "JWTAuthProvider", "NoAuthProvider"]
