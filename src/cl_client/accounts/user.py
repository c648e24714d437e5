"""What an admin says of a user: values that do not print passwords."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen


@frozen(kw_only=True)
class UserCreateRequest:
    """A new user.

    Attributes:
        username: letters, digits and `._@+-`; upper and lower case are the same name.
        password: 8 characters or more.
        is_admin: whether the user may do everything.
        is_active: whether the user can log in.
        permissions: words such as `ai_inference_support`; `*` is all of them.
    """

    username: str
    password: str = field(repr=False)
    is_admin: bool = False
    permissions: Sequence[str] = ()
    is_active: bool = True


@frozen(kw_only=True)
class UserUpdateRequest:
    """What is to change of a user; what is `None` stays. Empty `permissions` take all of them away."""

    password: str | None = field(default=None, repr=False)
    permissions: Sequence[str] | None = None
    is_admin: bool | None = None
    is_active: bool | None = None
