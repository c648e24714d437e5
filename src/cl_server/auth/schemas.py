"""What the auth server takes and says. Every model here is a schema of the exported spec."""

import json
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema

# Within what a signed 64-bit integer of a database holds.
UserId = Annotated[int, Field(ge=1, lt=1 << 63)]
Username = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$",
        description="Letters, digits and `._@+-`; upper and lower case are the same name.",
    ),
]
Password = Annotated[str, Field(min_length=8, max_length=1024)]
Permission = Annotated[str, StringConstraints(pattern=r"^(\*|[A-Za-z][A-Za-z0-9_:.-]{0,63})$")]


def listed(value: object) -> object:
    """Permissions as a form may say them: one field for each, a comma list, or a JSON list."""
    if not isinstance(value, list | str):
        return value
    words: list[object] = []
    for part in [value] if isinstance(value, str) else cast("list[object]", value):
        if not isinstance(part, str):
            words.append(part)
        elif part.lstrip().startswith("["):
            words += _parsed(part)
        else:
            words += [word.strip() for word in part.split(",") if word.strip()]
    return words


def _parsed(text: str) -> list[object]:
    try:
        return cast("list[object]", json.loads(text))
    except (ValueError, RecursionError):
        raise ValueError("starts like a JSON list, but isn't one") from None


Permissions = Annotated[
    list[Permission],
    Field(max_length=64, description="A JSON list, or a comma list."),
    BeforeValidator(listed),
    # Forms have no lists, and a repeated field could not express an empty one.
    WithJsonSchema({"type": "string", "examples": ['["ai_inference_support"]']}),
]


class TokenResponse(BaseModel):
    """A token, to be sent as `Authorization: Bearer …`."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a kind of token
    # Our server always sends it. Others of this family only have the `exp` of the token (RFC 6749 §5.1).
    expires_in: int | None = Field(default=None, description="Seconds.")


class PublicKeyResponse(BaseModel):
    """Get the public key of new tokens."""

    public_key: str = Field(description="PEM.")
    algorithm: Literal["ES256"] = "ES256"


class JsonWebKey(BaseModel):
    """A public key (RFC 7517, RFC 7518 §6.2)."""

    kty: Literal["EC"] = "EC"
    crv: Literal["P-256"] = "P-256"
    x: str
    y: str
    kid: str = Field(description="The `kid` in the header of the tokens that it verifies.")
    use: Literal["sig"] = "sig"
    alg: Literal["ES256"] = "ES256"


class JsonWebKeySet(BaseModel):
    """Every key whose tokens may still be in use, newest first."""

    keys: list[JsonWebKey]


class UserResponse(BaseModel):
    """A user, without the password."""

    id: int
    username: str
    is_admin: bool
    is_active: bool
    created_at: int = Field(description="UTC milliseconds.")
    permissions: list[str]


class UserCreateRequest(BaseModel):
    """A new user."""

    username: Username
    password: Password
    is_admin: bool = False
    is_active: bool = Field(default=True, description="Whether the user can log in.")
    permissions: Permissions = Field(default_factory=list)


class UserUpdateRequest(BaseModel):
    """The fields of a user to change; fields that are left out stay as they are."""

    password: Password | None = None
    permissions: Permissions | None = None
    is_active: bool | None = None
    is_admin: bool | None = None


class AuthServerInfo(BaseModel):
    """Get the server's status and version."""

    status: str
    service: str
    version: str
