"""The token of a request: in the header `Authorization: Bearer …` (RFC 6750 §2.1), and nowhere else.

A browser would send a cookie for the page of any site, and addresses end up in logs.
"""

from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

# For the OpenAPI document only: the route requires a token.
scheme = HTTPBearer(auto_error=False, scheme_name="token", bearerFormat="JWT", description="From `POST /auth/token`.")


def token_of(headers: Headers) -> str | None:
    """The token, or `None` without the header. Raises 401 for another content of the header."""
    sent = headers.getlist("authorization")
    if not sent:
        return None
    kind, _, token = sent[0].strip().partition(" ")
    if len(sent) > 1 or kind.lower() != "bearer" or not token.strip():
        raise unauthorized("the Authorization header has to be: Bearer <token>")
    return token.strip()


def unauthorized(detail: str) -> HTTPException:
    """401, with the challenge that RFC 9110 §11.6.1 requires."""
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def forbidden(detail: str) -> HTTPException:
    """403: the user is known, but lacks the permission."""
    return HTTPException(403, detail)
