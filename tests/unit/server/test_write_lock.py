"""Turns at writing to a SQLite file, among the threads of a process and beside others."""

import sqlite3
import threading

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from cl_server.queue.tables import reading


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_server.queue.sqlite_write_lock.TIMEOUT", 0.05)


def write(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM jobs"))


def test_a_thread_waits_for_its_turn(engine: Engine) -> None:
    waiting = threading.Thread(target=write, args=(engine,))
    with engine.begin():
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
    waiting.join(30)
    assert not waiting.is_alive()


@pytest.mark.usefixtures("hurried")
def test_who_waits_in_vain_for_a_thread_hears_that_the_database_is_locked(engine: Engine) -> None:
    with engine.begin(), pytest.raises(OperationalError, match="locked"):
        write(engine)
    write(engine)


@pytest.mark.usefixtures("hurried")
def test_who_waits_in_vain_for_a_process_hears_the_same_and_keeps_no_turn(engine: Engine) -> None:
    other = sqlite3.connect(str(engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with pytest.raises(OperationalError, match="locked"):
            write(engine)
    other.execute("ROLLBACK")
    other.close()
    write(engine)


@pytest.mark.usefixtures("hurried")
def test_a_transaction_that_fails_gives_its_turn_back(engine: Engine) -> None:
    with pytest.raises(OperationalError, match="no such table"), engine.begin() as connection:
        connection.execute(text("DELETE FROM nowhere"))
    write(engine)


@pytest.mark.usefixtures("hurried")
def test_a_connection_may_make_several_transactions(engine: Engine) -> None:
    with engine.connect() as connection:
        for _ in range(2):
            connection.execute(text("DELETE FROM jobs"))
            connection.commit()
    write(engine)


@pytest.mark.usefixtures("hurried")
def test_a_connection_that_is_lost_gives_its_turn_back(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.begin()
        connection.invalidate()
    write(engine)


@pytest.mark.usefixtures("hurried")
def test_who_reads_waits_for_nobody(engine: Engine) -> None:
    with engine.begin(), reading(engine).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM jobs")).scalar_one() == 0
