"""What Mosquitto needs to serve more than one host: configuration, accounts, access list, certificates."""

import os
import pwd
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cl_extras import whole_file
from cl_server.messaging import topics
from cl_server.settings_error import SettingsError
from cl_server.stack import broker_certificates
from cl_server.stack.broker import hashed

# Debian's package and the image on Docker Hub both run Mosquitto as this user.
USER = "mosquitto"

CONFIGURATION = """\
# Mosquitto 2 for servers on more than one host: TLS, passwords, and clients that can only listen.
listener {port}
certfile {folder}/server.pem
keyfile {folder}/server.key

allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl

# By default, Mosquitto drops messages in a burst, even for connected subscribers, once 1,000 wait.
max_queued_messages 100000
set_tcp_nodelay true
# Workers repeat their retained messages when they connect, and the servers keep events until they are acknowledged.
persistence false

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""

ACCESS = f"""\
# The API and the workers publish.
user server
{topics.writable()}
# Clients only listen. For another account, add another block like this one.
user client
{topics.readable()}"""


@dataclass(frozen=True, slots=True)
class Written:
    """What `write` made."""

    folder: Path
    owner: str | None
    """The user that the files now belong to; `None` if it is still the one who ran the command."""


def write(
    folder: Path,
    names: Sequence[str],
    *,
    port: int = 8883,
    config_folder: str | None = None,
    certificate: tuple[Path, Path] | None = None,
    owner: str | None = None,
) -> Written:
    """Write everything that Mosquitto needs, with new passwords, and the settings of servers and clients.

    `server.env` and `client.env` contain `MQTT_URL` and `MQTT_CA_FILE`, for an `EnvironmentFile` of systemd or an
    `env_file` of Docker Compose. No file can be read by other users.

    Args:
        folder: is created. It must not contain any of the files.
        names: the host names and addresses by which servers and clients reach the broker; the first one goes into the
            settings, and all of them into the certificate.
        port: of the listener, with TLS.
        config_folder: where Mosquitto finds the files, such as `/mosquitto/config` in a container. Default: `folder`.
        certificate: the files (PEM) of a certificate with its chain, and of its key. Default: a certificate of a new
            authority for 397 days; the key of the authority is deleted.
        owner: a user or its number. Default: `mosquitto` if this process is root and that user exists.

    Raises:
        SettingsError: a file exists, a name or a certificate is invalid, or the user doesn't exist.
    """
    found = _owner(owner)
    pem = _read(certificate) if certificate else broker_certificates.make(names)
    passwords = {user: secrets.token_urlsafe(18) for user in ("server", "client")}
    place = config_folder or str(folder.resolve())
    host = f"[{names[0]}]" if ":" in names[0] else names[0]
    contents = {
        "mosquitto.conf": CONFIGURATION.format(port=port, folder=place.rstrip("/")),
        "acl": ACCESS,
        "passwords": "".join(f"{user}:{hashed(password)}\n" for user, password in passwords.items()),
        **pem,
    }
    authority = f"MQTT_CA_FILE={folder.resolve() / 'ca.pem'}\n" if "ca.pem" in pem else ""
    for user, password in passwords.items():
        contents[f"{user}.env"] = f"MQTT_URL=mqtts://{user}:{password}@{host}:{port}\n{authority}"
    for name in contents:
        if (folder / name).exists():
            raise SettingsError(f"{folder / name} exists already: name another folder, or delete it")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        # The certificate of the authority goes to every client.
        whole_file.write(folder / name, content, mode=0o644 if name == "ca.pem" else whole_file.PRIVATE)
        if found is not None and not name.endswith(".env"):
            os.chown(folder / name, *found)
    return Written(folder, None if found is None else owner or USER)


def _read(certificate: tuple[Path, Path]) -> dict[str, str]:
    """The certificate and the key of the user, checked here because the messages of Mosquitto say less."""
    try:
        chain, key = (path.read_bytes() for path in certificate)
        public = x509.load_pem_x509_certificates(chain)[0].public_key()
        private = serialization.load_pem_private_key(key, None)
        encoding = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        belongs = private.public_key().public_bytes(*encoding) == public.public_bytes(*encoding)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(f"{certificate[0]} and {certificate[1]}: {error}") from error
    if not belongs:
        raise SettingsError(f"{certificate[1]} is not the key of the certificate in {certificate[0]}")
    return {"server.pem": chain.decode(), "server.key": key.decode()}


def _owner(name: str | None) -> tuple[int, int] | None:
    """Whose the files become, as the numbers of a user and its group."""
    if name is None and os.geteuid() != 0:
        return None
    if name is not None and name.isdigit():
        return int(name), int(name)
    try:
        entry = pwd.getpwnam(name or USER)
    except KeyError as error:
        if name is None:
            return None
        raise SettingsError(f"there is no user {name!r} on this machine; a number works without one") from error
    return entry.pw_uid, entry.pw_gid
