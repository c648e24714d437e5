from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from cl_server.auth import migrations
from cl_server.auth.users import LastAdminError, UsernameTakenError, UserRepository, metadata
from cl_server.queue.tables import open_database


def add(users: UserRepository, name: str, *, is_admin: bool = False) -> int:
    return users.add(name, "hash", is_admin=is_admin, permissions=["a"]).id


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD


def test_the_revisions_make_the_table_that_the_code_uses(users: UserRepository, tmp_path: Path) -> None:
    engine = open_database(tmp_path / "users.sqlite")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_name_is_taken_in_any_case(users: UserRepository) -> None:
    add(users, "Alice")
    with pytest.raises(UsernameTakenError):
        add(users, "alice")
    found = users.by_name("ALICE")
    assert found is not None
    assert found.username == "Alice"


def test_an_id_is_never_given_out_again(users: UserRepository) -> None:
    add(users, "admin", is_admin=True)
    gone = add(users, "alice")
    assert users.delete(gone)
    assert not users.delete(gone)
    assert add(users, "bob") > gone


def test_the_last_active_admin_stays(users: UserRepository) -> None:
    first, second = add(users, "one", is_admin=True), add(users, "two", is_admin=True)
    users.update(second, is_active=False)
    for change in (lambda: users.delete(first), lambda: users.update(first, is_admin=False)):
        with pytest.raises(LastAdminError):
            change()
    with pytest.raises(LastAdminError):
        users.update(first, is_active=False)
    users.update(second, is_active=True)
    users.update(first, is_admin=False)
    assert users.delete(first)


def test_two_admins_cannot_delete_each_other(users: UserRepository) -> None:
    ids = [add(users, f"admin{number}", is_admin=True) for number in range(8)]

    def delete(user_id: int) -> bool:
        try:
            return users.delete(user_id)
        except LastAdminError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(delete, ids)) == 7
    assert len(users.list()) == 1


def test_the_first_admin_is_made_once(users: UserRepository) -> None:
    told: list[str] = []
    assert users.add_first("admin", "hash", lambda: told.append("once"))
    assert not users.add_first("admin", "hash", lambda: told.append("twice"))
    assert told == ["once"]


def test_an_admin_whose_password_could_not_be_told_is_not_kept(users: UserRepository) -> None:
    def tell() -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        users.add_first("admin", "hash", tell)
    assert users.list() == []


def test_a_session_ends_with_the_password_and_with_rights(users: UserRepository) -> None:
    add(users, "admin", is_admin=True)
    user_id = add(users, "alice")
    sessions: list[int] = []
    for changed in (
        users.update(user_id, permissions=["b"]),
        users.update(user_id, password_hash="other"),
        users.update(user_id, is_active=False),
        users.update(user_id, is_active=True),
        users.update(user_id, is_admin=False),
    ):
        assert changed is not None
        sessions.append(changed.session)
    assert sessions == [0, 1, 2, 2, 3]
    assert users.update(99, is_active=True) is None


def test_a_hash_is_renewed_only_if_the_password_is_still_the_same(users: UserRepository) -> None:
    before = users.get(add(users, "alice"))
    assert before is not None
    users.renew_hash(before, "new")
    users.renew_hash(before, "late")
    after = users.get(before.id)
    assert after is not None
    assert (after.password_hash, after.session) == ("new", before.session)
