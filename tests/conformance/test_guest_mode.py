"""Guest mode, where many hosts share a database."""

from sqlalchemy import Engine, text

from cl_server.queue.shared_guest_mode import SharedGuestMode
from cl_server.stack.supervisor import wait_until


def test_it_is_what_the_servers_were_started_with_until_somebody_changes_it(postgres: Engine) -> None:
    with SharedGuestMode(postgres) as letting, SharedGuestMode(postgres, default=False) as closed:
        assert (letting.on, closed.on) == (True, False)
        closed.set(on=False)
    with SharedGuestMode(postgres, default=True) as later:
        assert not later.on


def test_a_change_is_known_here_at_once_and_on_other_hosts_soon(postgres: Engine) -> None:
    with SharedGuestMode(postgres) as here, SharedGuestMode(postgres, period=0.02) as there:
        for wanted in (False, True, False):
            here.set(on=wanted)
            assert here.on is wanted
            assert wait_until(lambda wanted=wanted: there.on is wanted, 30)


def test_while_the_database_cannot_say_the_last_word_holds(postgres: Engine) -> None:
    with SharedGuestMode(postgres) as here, SharedGuestMode(postgres, period=0.02) as there:
        here.set(on=False)
        assert wait_until(lambda: not there.on, 30)
        with postgres.begin() as connection:
            connection.execute(text("ALTER TABLE switches RENAME TO elsewhere"))
        try:
            assert not wait_until(lambda: there.on, 0.2)
        finally:
            with postgres.begin() as connection:
                connection.execute(text("ALTER TABLE elsewhere RENAME TO switches"))
        here.set(on=True)
        assert wait_until(lambda: there.on, 30)
