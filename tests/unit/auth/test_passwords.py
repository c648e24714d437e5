import asyncio
import threading
from contextlib import nullcontext

import pytest
from argon2 import PasswordHasher

from cl_server.auth.passwords import BusyError, Passwords, WeakPasswordError, refuse_worst
from cl_server.settings import Operation


async def test_a_password_is_known_again_and_no_other(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "correct horsf")
    assert stored != await passwords.hash("correct horse")


async def test_all_of_a_long_password_counts(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * 100 + "a")
    assert not await passwords.verify(stored, "x" * 100 + "b")


async def test_nobody_has_no_password(passwords: Passwords) -> None:
    assert not await passwords.verify(None, "nobody")
    assert not await passwords.verify("not a hash", "nobody")


async def test_a_hash_of_other_parameters_is_outdated(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert not passwords.outdated(stored)
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert stronger.outdated(stored)
    assert await stronger.verify(stored, "correct horse")
    stronger.close()


async def test_hashing_leaves_the_event_loop_free() -> None:
    real = Passwords()
    hashing = asyncio.gather(*(real.hash("correct horse") for _ in range(4)))
    turns, threads = 0, set[str]()
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
        threads |= {thread.name for thread in threading.enumerate() if thread.name.startswith("argon2")}
    await hashing
    real.close()
    assert len(threads) == 2
    # A loop that had to hash would have turned once for each.
    assert turns > 100


@pytest.mark.parametrize(
    "password",
    ["12345678", "password", "Password1", "aaaaaaaa", "        ", "qwertyuiop", "abcd1234", "iloveyou1", "a" * 1024],
)
def test_what_is_tried_first_is_no_password(password: str) -> None:
    with pytest.raises(WeakPasswordError, match=r"the password is too easy to guess \(.*\): take several words"):
        refuse_worst(password, "ada")


def test_the_name_of_the_user_is_no_password() -> None:
    with pytest.raises(WeakPasswordError):
        refuse_worst("ada.lovelace", "ada.lovelace")


def test_weak_passwords_are_accepted_where_the_operator_says_so() -> None:
    for setting in ("on", "off"):
        operation = Operation.from_env({"CL_WEAK_PASSWORDS": setting})
        passwords = Passwords(weak=operation.weak_passwords)
        with nullcontext() if setting == "on" else pytest.raises(WeakPasswordError):
            passwords.expect_strong("password123", "ada")
        passwords.close()
    assert not Operation.from_env({}).weak_passwords


@pytest.mark.parametrize("password", ["correct horse", "ada's password", "Hm7!vq2z", "kyselinadusičná"])
def test_what_nobody_tries_is_one(password: str) -> None:
    refuse_worst(password, "ada")


async def test_no_more_wait_for_their_turn_than_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_server.auth.passwords.WAITING", 3)
    slow = Passwords()
    checks = [asyncio.create_task(slow.verify(None, "x")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await slow.verify(None, "x")
    assert await asyncio.gather(*checks) == [False] * 3
    assert not await slow.verify(None, "x")
    slow.close()
