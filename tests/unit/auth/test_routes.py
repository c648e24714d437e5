from typing import Literal

import httpx
import jwt
import pytest
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cl_server.auth.app import create_app
from cl_server.auth.issuer import Issuer
from cl_server.auth.keys import KeyRing
from cl_server.auth.limits import LoginLimit
from cl_server.auth.passwords import Passwords
from cl_server.auth.users import UserRepository
from cl_server.settings import Audience
from tests.unit.auth.conftest import PASSWORD, Http
from tests.unit.auth.forgery import FORGERIES, Forge

FORM = {"content-type": "application/x-www-form-urlencoded"}


def detail(answer: httpx.Response) -> str:
    found = answer.json()["detail"]
    line = found if isinstance(found, str) else "; ".join(f"{issue['loc'][-1]}: {issue['msg']}" for issue in found)
    assert "\n" not in line
    return line


async def test_a_token_says_who_and_for_whom_and_until_when(http: Http, ring: KeyRing) -> None:
    user_id = await http.user("alice", permissions="ai_inference_support")
    answer = await http.login("alice")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 1800
    token = answer.json()["access_token"]
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": ring.signing().kid}
    pem = (await http.get("/auth/public-key")).json()
    assert pem["algorithm"] == "ES256"
    claims = jwt.decode(token, pem["public_key"], ["ES256"], audience="cl-server", issuer="cl-auth")
    assert (claims["id"], claims["permissions"], claims["is_admin"]) == (user_id, ["ai_inference_support"], False)
    assert claims["exp"] - claims["iat"] == 1800


async def test_the_key_set_verifies_tokens_from_before_a_rotation(http: Http, ring: KeyRing) -> None:
    token = await http.token("admin")
    ring.rotate()
    keys = (await http.get("/auth/jwks")).json()["keys"]
    assert keys[0]["kid"] == ring.signing().kid
    assert jwt.get_unverified_header(token)["kid"] == keys[1]["kid"]
    assert (await http.get("/users/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    assert jwt.get_unverified_header(await http.token("admin"))["kid"] == keys[0]["kid"]


async def test_a_wrong_password_and_a_wrong_name_are_the_same(http: Http) -> None:
    wrong, nobody = await http.login("admin", "wrong"), await http.login("nobody")
    assert (wrong.status_code, nobody.status_code) == (401, 401)
    assert detail(wrong) == detail(nobody) == "the user name or the password is wrong"
    assert wrong.headers["www-authenticate"] == "Bearer"


class CountingHasher(PasswordHasher):
    """The real one, which notes the parameters of each hash that a password is held against, and what it was worth."""

    def __init__(self) -> None:
        super().__init__()
        self.verified: list[tuple[str, str]] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        try:
            return super().verify(hash, password)
        except (VerificationError, InvalidHashError) as error:
            self.verified.append((str(hash).rsplit("$", 2)[0], type(error).__name__))
            raise


async def test_a_wrong_name_costs_what_a_wrong_password_costs(users: UserRepository, ring: KeyRing) -> None:
    """The same work with the same parameters: what it takes on the clock is the machine's affair."""
    hasher = CountingHasher()
    real = Passwords(hasher)
    users.add("alice", await real.hash(PASSWORD), is_admin=True, permissions=[])
    app = create_app(users, ring, real, limit=LoginLimit(per_login=100))
    async with Http(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        for name in ("alice", "nobody"):
            assert (await http.login(name, "wrong")).status_code == 401
    real.close()
    for_alice, for_nobody = hasher.verified
    assert for_alice == for_nobody
    assert "argon2id" in for_nobody[0]
    # It was worked through: one that cannot be read would have been refused at once.
    assert for_nobody[1] == "VerifyMismatchError"


async def test_login_is_limited_and_says_when_to_try_again(http: Http) -> None:
    for name in ("admin", "nobody"):
        for _ in range(5):
            assert (await http.login(name, "wrong")).status_code == 401
        refused = await http.login(name)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert detail(refused).startswith("too many attempts to log in: try again in ")


async def test_users_who_are_inactive_neither_log_in_nor_renew_a_token(http: Http) -> None:
    user_id = await http.user("alice")
    alice, admin = await http.signed("alice"), await http.signed("admin")
    assert (await http.put(f"/users/{user_id}", data={"is_active": "false"}, headers=admin)).status_code == 200
    for answer in (
        await http.login("alice"),
        await http.post("/auth/token/refresh", headers=alice),
        await http.get("/users/me", headers=alice),
    ):
        assert answer.status_code == 401
        assert detail(answer) == "this account is not active: ask an admin"
    assert detail(await http.login("alice", "wrong")) == "the user name or the password is wrong"
    await http.put(f"/users/{user_id}", data={"is_active": "true"}, headers=admin)
    assert "log in again" in detail(await http.post("/auth/token/refresh", headers=alice))
    assert (await http.login("alice")).status_code == 200


async def test_a_refreshed_token_has_the_rights_of_now(http: Http, ring: KeyRing) -> None:
    user_id = await http.user("alice", permissions='["a"]')
    alice, admin = await http.signed("alice"), await http.signed("admin")
    await http.put(f"/users/{user_id}", data={"permissions": "b, c"}, headers=admin)
    answer = await http.post("/auth/token/refresh", headers=alice)
    assert answer.headers["cache-control"] == "no-store"
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["permissions"] == ["b", "c"]


async def test_a_new_password_ends_what_the_old_one_began(http: Http) -> None:
    user_id = await http.user("alice")
    alice, admin = await http.signed("alice"), await http.signed("admin")
    await http.put(f"/users/{user_id}", data={"password": "battery staple"}, headers=admin)
    assert (await http.post("/auth/token/refresh", headers=alice)).status_code == 401
    assert (await http.login("alice")).status_code == 401
    assert (await http.login("alice", "battery staple")).status_code == 200


async def test_a_user_who_is_gone_is_nobody(http: Http) -> None:
    user_id = await http.user("alice")
    alice, admin = await http.signed("alice"), await http.signed("admin")
    assert (await http.delete(f"/users/{user_id}", headers=admin)).status_code == 204
    assert (await http.get("/users/me", headers=alice)).status_code == 401
    assert (await http.get(f"/users/{user_id}", headers=admin)).status_code == 404
    assert (await http.delete(f"/users/{user_id}", headers=admin)).status_code == 404
    assert (await http.put(f"/users/{user_id}", data={"is_admin": "true"}, headers=admin)).status_code == 404


async def test_only_admins_manage_users(http: Http) -> None:
    user_id = await http.user("alice")
    for headers, status in (({}, 401), (await http.signed("alice"), 403)):
        for method, path in (
            ("GET", "/users/"),
            ("POST", "/users/"),
            ("GET", f"/users/{user_id}"),
            ("PUT", f"/users/{user_id}"),
            ("DELETE", f"/users/{user_id}"),
        ):
            data = {"username": "eve", "password": PASSWORD, "is_admin": "true"}
            answer = await http.request(method, path, headers=headers, data=data if method in {"POST", "PUT"} else None)
            assert answer.status_code == status, (method, path)
            assert detail(answer)


async def test_the_admin_sees_and_changes_users(http: Http) -> None:
    admin = await http.signed("admin")
    user_id = await http.user("alice", permissions='["a", "b", "a"]')
    found = (await http.get(f"/users/{user_id}", headers=admin)).json()
    assert found.pop("created_at") > 1_600_000_000_000
    assert found == {
        "id": user_id,
        "username": "alice",
        "is_admin": False,
        "is_active": True,
        "permissions": ["a", "b"],
    }
    assert [user["username"] for user in (await http.get("/users/", headers=admin)).json()] == ["admin", "alice"]
    page = await http.get("/users/", params={"skip": 1, "limit": 1}, headers=admin)
    assert [user["username"] for user in page.json()] == ["alice"]
    changed = await http.put(f"/users/{user_id}", data={"is_admin": "true", "permissions": "[]"}, headers=admin)
    assert (changed.json()["is_admin"], changed.json()["permissions"]) == (True, [])


@pytest.mark.parametrize("change", [{"is_admin": "false"}, {"is_active": "false"}, None])
async def test_nobody_demotes_or_deletes_the_last_admin(http: Http, change: dict[str, str] | None) -> None:
    admin = await http.signed("admin")
    me = (await http.get("/users/me", headers=admin)).json()["id"]
    path = f"/users/{me}"
    answer = await (http.put(path, data=change, headers=admin) if change else http.delete(path, headers=admin))
    assert answer.status_code == 409
    assert detail(answer) == "this is the last active admin: make another one first"
    assert (await http.get("/users/me", headers=admin)).status_code == 200


async def test_a_name_that_is_taken_is_a_conflict(http: Http) -> None:
    await http.user("alice")
    data = {"username": "ALICE", "password": PASSWORD}
    answer = await http.post("/users/", data=data, headers=await http.signed("admin"))
    assert answer.status_code == 409
    assert detail(answer) == "there is a user ALICE already"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "a b"),
        ("username", "x" * 65),
        ("username", "żółw"),
        ("username", "a\0"),
        ("username", "a\n"),
        ("password", "short"),
        ("password", "x" * 1025),
        ("is_admin", "perhaps"),
        ("permissions", '["a"'),
        ("permissions", "[" * 20_000),
        ("permissions", '{"a": 1}'),
        ("permissions", "[1]"),
        ("permissions", '[["a"]]'),
        ("permissions", ",".join(f"p{number}" for number in range(65))),
    ],
)
async def test_a_field_that_cannot_be_is_refused_by_name(http: Http, field: str, value: str) -> None:
    data = {"username": "alice", "password": PASSWORD, field: value}
    answer = await http.post("/users/", data=data, headers=await http.signed("admin"))
    assert answer.status_code == 422, answer.text
    assert field in str(answer.json()["detail"])
    assert PASSWORD not in answer.text


@pytest.mark.parametrize("user_id", ["0", "-1", "9" * 30, "me2", "%00"])
async def test_what_is_no_id_of_a_user_is_refused(http: Http, user_id: str) -> None:
    assert (await http.get(f"/users/{user_id}", headers=await http.signed("admin"))).status_code == 422


async def test_a_body_without_an_end_is_refused(http: Http) -> None:
    answer = await http.post("/auth/token", content=b"username=" + b"x" * 100_000, headers=FORM)
    assert answer.status_code == 413


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_token_is_nobody(http: Http, users: UserRepository, ring: KeyRing, name: str) -> None:
    admin = users.by_name("admin")
    assert admin is not None
    token = FORGERIES[name](Forge(Issuer(ring, Audience(), 600).issue(admin).access_token, ring.signing()))
    for method, path in (("GET", "/users/me"), ("POST", "/auth/token/refresh"), ("GET", "/users/")):
        answer = await http.request(method, path, headers={"Authorization": f"Bearer {token}".encode("latin-1")})
        assert answer.status_code == 401
        assert detail(answer)
        assert token not in answer.text


async def test_a_token_counts_in_the_header_only(http: Http) -> None:
    token = await http.token("admin")
    places = {
        "cookie": await http.get("/users/me", headers={"Cookie": f"token={token}; Authorization=Bearer {token}"}),
        "query": await http.get("/users/me", params={"access_token": token, "token": token}),
        "form": await http.post("/auth/token/refresh", data={"access_token": token, "token": token}),
        "basic": await http.get("/users/me", auth=("admin", PASSWORD)),
        "twice": await http.get(
            "/users/me", headers=[("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]
        ),
    }
    assert {name: answer.status_code for name, answer in places.items()} == dict.fromkeys(places, 401)
    assert not any("set-cookie" in answer.headers for answer in [*places.values(), await http.login("admin")])


async def test_the_password_is_in_no_log(http: Http, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await http.login("admin")
    await http.login("admin", "wrong password")
    assert PASSWORD not in caplog.text
    assert "wrong password" not in caplog.text


async def test_a_weak_hash_is_made_anew_at_the_next_login(users: UserRepository, ring: KeyRing, http: Http) -> None:
    before = users.by_name("admin")
    strong = Passwords()
    async with Http(
        transport=httpx.ASGITransport(create_app(users, ring, strong)), base_url="http://localhost"
    ) as other:
        assert (await other.login("admin")).status_code == 200
        after = users.by_name("admin")
        assert (await other.login("admin")).status_code == 200
    strong.close()
    assert before is not None
    assert after is not None
    assert before.password_hash != after.password_hash
    assert users.by_name("admin") == after


async def test_a_field_that_nobody_reads_is_refused_and_nobody_is_made_or_changed(http: Http) -> None:
    admin = {"Authorization": f"Bearer {await http.token('admin')}"}
    wanted = {"username": "zoe", "password": "a long enough one", "activ": "false"}
    answer = await http.post("/users/", data=wanted, headers=admin)
    assert answer.status_code == 422
    known = "is_active, is_admin, password, permissions, username"
    assert detail(answer) == f"activ: there is no such field; there are {known}"
    assert "zoe" not in (await http.get("/users/", headers=admin)).text
    user_id = await http.user("alice")
    answer = await http.put(f"/users/{user_id}", data={"is_active": "false", "username": "eve"}, headers=admin)
    assert answer.status_code == 422
    assert (await http.get(f"/users/{user_id}", headers=admin)).json()["is_active"] is True


async def test_a_user_who_is_created_inactive_cannot_log_in(http: Http) -> None:
    """Clients of this family send `is_active`; it was dropped in silence, and the account was active."""
    admin = {"Authorization": f"Bearer {await http.token('admin')}"}
    wanted = {"username": "zoe", "password": "a long enough one", "is_active": "false"}
    answer = await http.post("/users/", data=wanted, headers=admin)
    assert (answer.status_code, answer.json()["is_active"]) == (201, False)
    refused = await http.post("/auth/token", data={"username": "zoe", "password": "a long enough one"})
    assert refused.status_code == 401


async def test_a_login_ignores_what_oauth_clients_send_besides(http: Http) -> None:
    """RFC 6749 §3.2: unrecognised parameters are ignored at the token endpoint."""
    form = {"username": "admin", "password": PASSWORD, "grant_type": "password", "scope": "", "client_id": "x"}
    assert (await http.post("/auth/token", data=form)).status_code == 200
