"""A whole stack that lets in only who logs in."""

from collections.abc import Iterator

import httpx
import pytest

from cl_server.embedded import LocalStack
from tests.integration.server.client import Api

JOBS = "ai_inference_support"
PASSWORD = "correct horse"


class People:
    """Users of a stack, and HTTP in their name."""

    def __init__(self, stack: LocalStack) -> None:
        assert stack.auth_url is not None
        assert stack.admin_password is not None
        self.stack = stack
        self.auth = httpx.Client(verify=False, base_url=stack.auth_url, timeout=30)
        self._open: list[httpx.Client] = [self.auth]
        self.admin = self.api(self.token("admin", stack.admin_password))
        made = {
            name: self.auth.post(
                "/users/",
                data={"username": name, "password": PASSWORD, "permissions": permissions},
                headers=self.admin.http.headers,
            ).json()
            for name, permissions in {"alice": JOBS, "bob": JOBS, "eve": ""}.items()
        }
        self.ids = {name: user["id"] for name, user in made.items()}
        self.tokens = {name: self.token(name) for name in made}
        self.alice, self.bob, self.eve = (self.api(self.tokens[name]) for name in ("alice", "bob", "eve"))
        self.guest = self.api(None)

    def token(self, name: str, password: str = PASSWORD) -> str:
        answer = self.auth.post("/auth/token", data={"username": name, "password": password})
        return str(answer.json()["access_token"])

    def api(self, token: str | None) -> Api:
        found = Api(self.stack)
        if token is not None:
            found.http.headers["Authorization"] = f"Bearer {token}"
        self._open.append(found.http)
        return found

    def close(self) -> None:
        for http in self._open:
            http.close()


@pytest.fixture(scope="module")
def people() -> Iterator[People]:
    with LocalStack(workers=1, auth=True) as stack:
        found = People(stack)
        yield found
        found.close()
