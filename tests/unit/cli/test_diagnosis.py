"""What the answers of a checkup mean."""

import pytest

from cl_client.cli.doctor.checkup import Checkup, ServerAnswer
from cl_client.cli.doctor.diagnosis import Finding, diagnose
from cl_client.config import ServerConfig
from cl_client.errors import ServerUnreachableError, error_from_response
from cl_client.model import Capabilities

AWAY = ServerUnreachableError("away")


def findings(config: ServerConfig, *, guests: bool = True) -> dict[str, Finding]:
    says: dict[str, object] = {"service": "compute", "version": "0.1.0", "auth_required": not guests}
    checkup = Checkup(
        config=config,
        compute=ServerAnswer(seconds=0.01, says=says, clock_ahead=0.2),
        auth=AWAY,
        broker=None,
        user=None,
        workers=Capabilities(num_workers=1, capabilities={"hash": 1}),
    )
    return {finding.check: finding for finding in diagnose(checkup)}


def test_a_server_that_has_moved_says_where_to():
    moved = error_from_response(301, b"", url="http://gpu:8002/", headers={"location": "https://gpu/"})
    checkup = Checkup(
        config=ServerConfig(),
        compute=moved,
        auth=AWAY,
        broker=None,
        user=None,
        workers=Capabilities(capabilities={}, num_workers=0),
    )
    (found,) = [finding for finding in diagnose(checkup) if finding.check == "compute"]
    assert (found.state, found.hint) == ("failed", "give its address: https://gpu")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3"])
def test_on_this_machine_nothing_has_to_be_encrypted(host: str):
    found = findings(ServerConfig(compute_url=f"http://{host}:8002", mqtt_host=host))
    assert (found["compute TLS"].state, found["broker"].state) == ("ok", "ok")


def test_what_goes_over_a_network_in_plain_text_is_a_warning():
    found = findings(ServerConfig(compute_url="http://gpu:8002", mqtt_host="gpu"))
    assert found["compute TLS"].state == "warning"
    assert found["compute TLS"].hint == "use https:// where the server can"
    assert found["broker"].state == "warning"
    assert findings(ServerConfig(mqtt_host="gpu", mqtt_tls=True))["broker"].state == "ok"


def test_the_auth_server_is_needed_where_guests_are_not_let_in():
    assert findings(ServerConfig())["auth"].state == "warning"
    closed = findings(ServerConfig(), guests=False)
    assert (closed["auth"].state, closed["user"].state) == ("failed", "failed")
    assert closed["user"].hint == "cl-client login"
