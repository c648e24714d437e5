"""Asks the auth server for tokens, for a user who signs in on the page."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError

from cl_ml_tools.schemas import JSONObject

# Seconds: the auth server hashes a few passwords at a time.
TIMEOUT = 15.0
LARGEST = 1 << 16

JSON = TypeAdapter(JSONObject)


class SignInError(Exception):
    """The auth server gave no token: `status` and `detail` are for the page."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers)


class Token(BaseModel):
    """A token, and for how many seconds it is valid."""

    access_token: str
    expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class AuthServer:
    """The auth server at `url`. Both methods block, and raise `SignInError`."""

    url: str

    def sign_in(self, username: str, password: str, client: str) -> Token:
        """A token for a user. `client` is where they are, for the limit of the auth server, if that trusts us."""
        body = urlencode({"username": username, "password": password})
        headers = {"content-type": "application/x-www-form-urlencoded", "x-forwarded-for": client}
        return self._ask("/auth/token", body, headers)

    def renew(self, token: str) -> Token:
        """A new token for one that is still valid."""
        return self._ask("/auth/token/refresh", "", {"authorization": f"Bearer {token}"})

    def _ask(self, path: str, body: str, headers: dict[str, str]) -> Token:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc.rpartition("@")[2], timeout=TIMEOUT)
        try:
            connection.request("POST", parts.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            content = response.read(LARGEST)
        except (OSError, http.client.HTTPException):
            raise SignInError(503, "the auth server does not answer; try again", {"retry-after": "5"}) from None
        finally:
            connection.close()
        if response.status == 200:
            try:
                return Token.model_validate_json(content)
            except ValidationError:
                raise SignInError(502, "the auth server answers no token", {}) from None
        after = response.headers.get("retry-after")
        status = response.status if response.status in {401, 403, 422, 429, 503} else 502
        raise SignInError(status, _detail(content), {} if after is None else {"retry-after": after})


def _detail(content: bytes) -> str:
    try:
        said = JSON.validate_json(content).get("detail")
    except ValidationError:
        said = None
    if isinstance(said, list):
        return "a name and a password are needed"
    return said if isinstance(said, str) else "the auth server refused this"
