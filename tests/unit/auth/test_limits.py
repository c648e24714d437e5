import pytest

from cl_server.auth.limits import Attempt, LoginLimit, TooManyError, Window


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_window_moves_on() -> None:
    clock = Clock()
    window = Window(2, 10, clock=clock)
    window.take("a")
    clock.now = 4
    window.take("a")
    assert (window.wait("a"), window.wait("b")) == (6, 0)
    clock.now = 10
    assert window.wait("a") == 0
    window.take("a")
    assert window.wait("a") == 4


def test_a_window_forgets_the_oldest_key_rather_than_grow() -> None:
    window = Window(1, 10, largest=3)
    for key in "abcd":
        window.take(key)
    assert len(window) == 3
    assert window.wait("a") == 0
    assert window.wait("d") > 0


def test_attempts_are_limited_for_a_name_in_any_case_from_one_address() -> None:
    limit = LoginLimit(per_login=2)
    for name in ("alice", "Alice"):
        limit.begin(Attempt("::1", name))
    with pytest.raises(TooManyError, match="too many attempts to log in: try again in 60 s"):
        limit.begin(Attempt("::1", "ALICE"))
    limit.begin(Attempt("::1", "bob"))
    limit.begin(Attempt("::2", "alice"))


def test_one_address_tries_other_names_at_a_walking_pace() -> None:
    clock = Clock()
    limit = LoginLimit(per_address=3, clock=clock)
    for name in "abc":
        assert limit.begin(Attempt("::1", name)) == 0
    assert [limit.begin(Attempt("::1", f"d{number}")) for number in range(10)] == [*range(1, 11)]
    with pytest.raises(TooManyError, match="try again in 11 s"):
        limit.begin(Attempt("::1", "e"))
    assert limit.begin(Attempt("::2", "e")) == 0
    clock.now = 61
    assert limit.begin(Attempt("::1", "e")) == 0


def test_fifty_wrong_logins_shut_out_nobody_else_behind_the_same_proxy() -> None:
    limit = LoginLimit()
    for number in range(50):
        limit.begin(Attempt("203.0.113.9", f"nobody{number}"))
    assert limit.begin(Attempt("203.0.113.9", "ada")) <= 1


def test_who_has_logged_in_from_an_address_is_not_shut_out_from_there_by_others() -> None:
    limit = LoginLimit(per_name=3)
    limit.begin(Attempt("home", "Alice"))
    limit.succeeded(Attempt("home", "alice"))
    for address in "abc":
        limit.begin(Attempt(address, "alice"))
    with pytest.raises(TooManyError):
        limit.begin(Attempt("d", "alice"))
    limit.begin(Attempt("home", "alice"))


def test_many_addresses_cannot_try_one_name() -> None:
    limit = LoginLimit(per_name=3)
    for address in "abc":
        limit.begin(Attempt(address, "alice"))
    with pytest.raises(TooManyError):
        limit.begin(Attempt("d", "alice"))


def test_what_succeeds_does_not_count() -> None:
    limit = LoginLimit(per_login=1, per_address=1, per_name=1)
    for _ in range(5):
        limit.begin(Attempt("::1", "alice"))
        limit.succeeded(Attempt("::1", "alice"))
    limit.begin(Attempt("::1", "alice"))
    with pytest.raises(TooManyError):
        limit.begin(Attempt("::1", "alice"))
