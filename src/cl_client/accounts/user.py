"""Requests about users, with passwords hidden in their repr."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen


@frozen(kw_only=True)
class UserCreateRequest:
    """A new user.

    Attributes:
        username: Name with letters, digits and `._@+-`. Case doesn't matter.
        password: Password with at least 8 characters.
        is_admin: Whether the user is an admin.
        is_active: Whether the user can log in.
        permissions: Permissions such as `ai_inference_support`. `*` means all.
    """

    username: str
    password: str = field(repr=False)
    is_admin: bool = False
    permissions: Sequence[str] = ()
    is_active: bool = True


@frozen(kw_only=True)
class UserUpdateRequest:
    """Changes to a user. `None` means no change, and empty `permissions` remove all permissions."""

    password: str | None = field(default=None, repr=False)
    permissions: Sequence[str] | None = None
    is_admin: bool | None = None
    is_active: bool | None = None
