"""How long a token is good, by what the server counted and our clock alone."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cl_client.accounts.token import EARLY, Token

NOW = 1_700_000_000.0


def jwt(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{body}.c2ln"


@pytest.mark.parametrize(
    ("text", "expires_in", "lifetime"),
    [
        (jwt(iat=5, exp=1805), None, 1800),
        (jwt(iat=5, exp=1805), 60, 60),
        (jwt(exp=NOW + 30), None, 30),
        (jwt(exp=NOW - 30), None, 0),
        (jwt(iat=100, exp=50), None, 0),
        (jwt(), None, None),
        ("opaque", None, None),
        ("opaque", 60, 60),
        ("opaque", -1, None),
        ("opaque", True, None),
        ("opaque", "60", None),
        ("a.####.b", None, None),
        ("a.W10.b", None, None),
        (jwt(exp="soon"), None, None),
        (jwt(exp=10**400), None, None),
        (jwt(exp=float("inf")), None, None),
        ("a." + base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".b", None, None),
    ],
)
def test_the_life_of_a_token_is_what_was_said_of_it(text: str, expires_in: object, lifetime: float | None):
    assert Token.received(text, expires_in, NOW).lifetime == lifetime


@given(st.text(), st.none() | st.floats() | st.integers() | st.text())
def test_whatever_comes_as_a_token_can_be_asked(text: str, expires_in: object):
    token = Token.received(text, expires_in, NOW)
    assert token.lifetime is None or token.lifetime >= 0
    assert token.is_ending(NOW + 1) in (True, False)


@pytest.mark.parametrize(
    ("lifetime", "age", "ending"),
    [
        (1800, 0, False),
        (1800, 1739, False),
        (1800, 1741, True),
        (1800, 10_000, True),
        (1800, -1, True),
        (40, 19, False),
        (40, 21, True),
        (0, 0, False),
        (0, 1, True),
        (None, 1e12, False),
    ],
)
def test_a_token_is_ending_in_its_last_minute(lifetime: float | None, age: float, ending: bool):
    assert Token("x", NOW, lifetime).is_ending(NOW + age) == ending


def test_a_long_token_is_due_after_half_of_its_life():
    token = Token("x", NOW, 1000)
    assert [token.is_due(NOW + age, share) for age, share in ((499, EARLY[0]), (500, EARLY[0]), (599, EARLY[1]))] == [
        False,
        True,
        False,
    ]
    assert not Token("x", NOW, None).is_due(NOW + 1e9, EARLY[0])


def test_a_token_is_not_printed():
    assert "secret" not in repr(Token("secret", NOW, None))
