"""The token of a request: in the header `Authorization: Bearer …` (RFC 6750 §2.1), and nowhere else.

A cookie would be sent by a browser whoever made the page, and an address ends up in logs.
"""

from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

# For the OpenAPI document only: it says that a route wants a token.
scheme = HTTPBearer(auto_error=False, scheme_name="token", bearerFormat="JWT", description="From `POST /auth/token`.")


def token_of(headers: Headers) -> str | None:
    """The token, or `None` where nothing is said. Raises 401 where something else is."""
    sent = headers.getlist("authorization")
    if not sent:
        return None
    kind, _, token = sent[0].strip().partition(" ")
    if len(sent) > 1 or kind.lower() != "bearer" or not token.strip():
        raise unauthorized("the Authorization header has to be: Bearer <token>")
    return token.strip()


def unauthorized(detail: str) -> HTTPException:
    """401, with the challenge that RFC 9110 §11.6.1 asks for."""
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def forbidden(detail: str) -> HTTPException:
    """403: we know who this is, and the answer is no."""
    return HTTPException(403, detail)
