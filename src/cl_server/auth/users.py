"""Users in a SQL database. Every method may be called from any thread, and none from an event loop."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack, cast

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from cl_server.clock import now_ms
from cl_server.queue.tables import reading

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # Names that differ in case only would be mistaken for each other.
    Column("username", String(64, collation="NOCASE"), nullable=False, unique=True),
    Column("password_hash", String(256), nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("session", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("updated_at", Integer, nullable=False),
    # Ids are never reused: another user must not get the jobs of a deleted one.
    sqlite_autoincrement=True,
)


class UsernameTakenError(Exception):
    """A user with this name exists already."""


class LastAdminError(Exception):
    """Without this user there would be no active admin."""


@dataclass(frozen=True, slots=True)
class User:
    """A user; `created_at` in UTC milliseconds. Tokens are renewed only for the `session` they were made in."""

    id: int
    username: str
    password_hash: str
    is_admin: bool
    is_active: bool
    permissions: tuple[str, ...]
    session: int
    created_at: int


class UserChange(TypedDict, total=False):
    """What may change of a user."""

    password_hash: str
    permissions: list[str]
    is_active: bool
    is_admin: bool


COLUMNS = (
    users.c.id,
    users.c.username,
    users.c.password_hash,
    users.c.is_admin,
    users.c.is_active,
    users.c.permissions,
    users.c.session,
    users.c.created_at,
)


class UserRepository:
    """Keeps users."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    def get(self, user_id: int) -> User | None:
        """The user, or `None`."""
        with self._reading.connect() as connection:
            row = connection.execute(select(*COLUMNS).where(users.c.id == user_id)).one_or_none()
        return None if row is None else _user(row)

    def by_name(self, username: str) -> User | None:
        """The user with this name, ignoring case."""
        with self._reading.connect() as connection:
            row = connection.execute(select(*COLUMNS).where(users.c.username == username)).one_or_none()
        return None if row is None else _user(row)

    def list(self, skip: int = 0, limit: int = 100) -> Sequence[User]:
        """Users in the order in which they were made."""
        with self._reading.connect() as connection:
            rows = connection.execute(select(*COLUMNS).order_by(users.c.id).offset(skip).limit(limit)).all()
        return [_user(row) for row in rows]

    def add(
        self,
        username: str,
        password_hash: str,
        *,
        is_admin: bool,
        permissions: Sequence[str],
        is_active: bool = True,
    ) -> User:
        """Keep a new user. Raises `UsernameTakenError`."""
        with self._engine.begin() as connection:
            return _add(
                connection,
                username,
                password_hash,
                is_admin=is_admin,
                permissions=permissions,
                is_active=is_active,
            )

    def add_first(self, username: str, password_hash: str, tell: Callable[[], None]) -> bool:
        """Add an admin if there are no users. `tell` is called in the transaction, before its commit."""
        with self._engine.begin() as connection:
            if connection.execute(select(func.count()).select_from(users)).scalar_one() > 0:
                return False
            _add(connection, username, password_hash, is_admin=True, permissions=())
            # If printing the password fails, the admin must not exist: an error here rolls back.
            tell()
        return True

    def update(self, user_id: int, **changes: Unpack[UserChange]) -> User | None:
        """Update a user. Returns `None` if the user doesn't exist. Raises `LastAdminError`."""
        values: dict[str, object] = {**changes, "updated_at": now_ms()}
        # Sessions with the old password, or of a deactivated user, have to log in again.
        if "password_hash" in changes or changes.get("is_active") is False or changes.get("is_admin") is False:
            values["session"] = users.c.session + 1
        with self._engine.begin() as connection:
            statement = update(users).where(users.c.id == user_id).values(values).returning(*COLUMNS)
            row = connection.execute(statement).one_or_none()
            _keep_an_admin(connection)
        return None if row is None else _user(row)

    def renew_hash(self, user: User, password_hash: str) -> None:
        """Keep the same password under another hash, if it is still the same."""
        with self._engine.begin() as connection:
            same = (users.c.id == user.id, users.c.password_hash == user.password_hash)
            connection.execute(update(users).where(*same).values(password_hash=password_hash))

    def delete(self, user_id: int) -> bool:
        """Delete a user. Returns `False` if the user doesn't exist. Raises `LastAdminError`."""
        with self._engine.begin() as connection:
            gone = connection.execute(delete(users).where(users.c.id == user_id)).rowcount > 0
            _keep_an_admin(connection)
        return gone


def _add(
    connection: Connection,
    username: str,
    password_hash: str,
    *,
    is_admin: bool,
    permissions: Sequence[str],
    is_active: bool = True,
) -> User:
    now = now_ms()
    values: Mapping[str, object] = {
        "username": username,
        "password_hash": password_hash,
        "is_admin": is_admin,
        "is_active": is_active,
        "permissions": list(permissions),
        "session": 0,
        "created_at": now,
        "updated_at": now,
    }
    try:
        return _user(connection.execute(insert(users).values(values).returning(*COLUMNS)).one())
    except IntegrityError:
        raise UsernameTakenError(username) from None


def _keep_an_admin(connection: Connection) -> None:
    """In the transaction of the change, which holds the write lock: two admins cannot delete each other."""
    admins = select(func.count()).select_from(users).where(users.c.is_admin, users.c.is_active)
    if connection.execute(admins).scalar_one() == 0:
        raise LastAdminError


def _user(row: Iterable[object]) -> User:
    columns = cast("tuple[int, str, str, bool, bool, list[str], int, int]", tuple(row))
    user_id, username, password_hash, is_admin, is_active, permissions, session, created_at = columns
    return User(user_id, username, password_hash, is_admin, is_active, tuple(permissions), session, created_at)
