"""`cl-server compute | worker | auth`: the processes of the server, each in the foreground.

Settings come from the environment (see `settings.py`). An option takes precedence over its variable.
Set passwords in the variables, because every user of a machine can read the arguments of a process.
"""

import argparse
import os
import sys
from pathlib import Path

from cl_extras.streams import put, whole
from cl_server.settings_error import SettingsError
from cl_server.stack import parent_watchdog as lifeline

# The extra that brings a library; all others are in `server`.
EXTRAS = {"psycopg": "postgres", "obstore": "s3"}


class Options(argparse.Namespace):
    """What the command line says."""

    command: str = ""
    database: str | None = None
    storage: str | None = None
    mqtt: str | None = None
    allow_host: list[str] | None = None
    host: str = "127.0.0.1"
    port: int = 0
    fd: int | None = None
    slots: int | None = None
    slot: int | None = None
    of: int | None = None
    folder: Path = Path("openapi")
    check: bool = False
    init: bool = False
    rotate_key: bool = False
    reset_password: str | None = None
    lifeline: bool = False
    name: list[str] | None = None
    config_folder: str | None = None
    certificate: list[Path] | None = None
    owner: str | None = None

    def variables(self) -> dict[str, str]:
        """The options, as the variables that the settings are read from."""
        names = None if self.allow_host is None else ",".join(self.allow_host)
        said = {"CL_DATABASE": self.database, "CL_STORAGE": self.storage, "MQTT_URL": self.mqtt, "CL_HOSTS": names}
        return {name: value for name, value in said.items() if value is not None}


def main(argv: list[str] | None = None) -> int:
    """Run one of the servers, or export the spec."""
    options = make_parser().parse_args(argv, Options())
    if options.lifeline:
        lifeline.hold()
    os.environ.update(options.variables())
    # Imported when needed: a worker must not pay for FastAPI.
    try:
        match options.command:
            case "compute":
                return compute_server(options)
            case "worker":
                return workers(options)
            case "auth":
                return auth_server(options)
            case "broker-config":
                return broker_config(options)
            case "backup" | "restore":
                return backup(options)
            case _:
                return spec(options.folder, check=options.check)
    except SettingsError as error:
        return failed(str(error), 2)
    except ModuleNotFoundError as error:
        from cl_extras.install import lack

        if (why := lack(error, f"cl-server {options.command}", EXTRAS.get(error.name or "", "server"))) is None:
            raise
        return failed(why, 2)
    except Exception as error:
        from sqlalchemy.exc import OperationalError

        if not isinstance(error, OperationalError):
            raise
        # The supervisor of this process starts it again.
        return failed(f"the database does not answer: {str(error.orig).strip().partition(chr(10))[0]}")


def make_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(prog="cl-server", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    compute = commands.add_parser("compute", help="run the compute API")
    worker = commands.add_parser("worker", help="run the workers of this host")
    worker.add_argument("--slots", type=positive, metavar="N", help="how many; one for each core")
    worker.add_argument("--slot", type=int, help="be one worker, the one of this number")
    worker.add_argument("--of", type=int, help="the number of workers; jobs of other workers are queued again")
    auth = commands.add_parser("auth", help="run the auth server")
    auth.add_argument("--init", action="store_true", help="only make the first admin; the password goes to stdout")
    auth.add_argument("--rotate-key", action="store_true", help="only make a new key, which signs from now on")
    auth.add_argument("--reset-password", metavar="USER", help="only make a new password, which goes to stdout")
    for server, port in ((compute, 8002), (auth, 8000)):
        server.add_argument("--port", type=int, default=port)
        server.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="the address to listen on")
        server.add_argument(
            "--allow-host",
            action="append",
            metavar="NAME",
            help="a name by which clients reach this server, besides localhost; can be repeated (CL_HOSTS)",
        )
        server.add_argument("--fd", type=int, help="a listening socket that the parent passed on, instead of a port")
    save = commands.add_parser("backup", help="save the jobs, files and accounts of CL_DATA to a folder")
    save.add_argument("folder", type=Path, help="a new folder")
    load = commands.add_parser("restore", help="restore a backup to an empty CL_DATA, database and storage")
    load.add_argument("folder", type=Path, help="the folder of the backup")
    for process in (compute, worker, save, load):
        process.add_argument("--database", metavar="URL", help="postgresql://… (CL_DATABASE); SQLite without it")
        process.add_argument("--storage", metavar="URL", help="s3://bucket/prefix (CL_STORAGE); a folder without it")
    for process in (compute, worker):
        process.add_argument("--mqtt", metavar="URL", help="mqtts://user:password@host:port (MQTT_URL)")
    for process in (compute, worker, auth):
        process.add_argument("--lifeline", action="store_true", help="stop when standard input ends")
    broker = commands.add_parser("broker-config", help="write what Mosquitto needs to serve more than one host")
    broker.add_argument("folder", type=Path)
    broker.add_argument(
        "--name",
        action="append",
        required=True,
        metavar="HOST",
        help="a name or an address by which servers and clients reach the broker; can be repeated",
    )
    broker.add_argument("--port", type=int, default=8883)
    broker.add_argument("--config-folder", metavar="PATH", help="where Mosquitto finds the files, if not in FOLDER")
    broker.add_argument(
        "--certificate",
        type=Path,
        nargs=2,
        metavar=("CHAIN", "KEY"),
        help="your own (PEM); without it, one of a new authority that is valid for 397 days",
    )
    broker.add_argument("--owner", metavar="USER", help="the user that runs Mosquitto, or its number")
    export = commands.add_parser("spec", help="write the OpenAPI documents")
    export.add_argument("folder", type=Path)
    export.add_argument("--check", action="store_true", help="compare instead of writing; exit 1 if they differ")
    return parser


def positive(text: str) -> int:
    """A number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def failed(reason: str, status: int = 1) -> int:
    """Say in one line why not; returns `status`."""
    sys.stderr.write(f"error: {reason}\n")
    return status


def expect_names(options: Options) -> None:
    """Require the names of a server that other hosts can reach. Raises `SettingsError`."""
    from cl_server.http.browser_guard import is_loopback

    if not is_loopback(options.host) and not os.environ.get("CL_HOSTS"):
        raise SettingsError(f"--host {options.host} is open to other hosts: name this server with --allow-host NAME")


def compute_server(options: Options) -> int:
    """Run the compute API."""
    from cl_server.compute import process as compute

    expect_names(options)
    compute.run(options.port, options.fd, options.host)
    return 0


def workers(options: Options) -> int:
    """Run the workers of this host, or one of them."""
    if options.slot is None:
        from cl_server.stack.cores import cores
        from cl_server.workers import host as worker_host

        return worker_host.run(options.slots or cores())
    from cl_server.workers import worker

    worker.run(options.slot, options.of)
    return 0


def auth_server(options: Options) -> int:
    """Run the auth server, or one of its maintenance commands."""
    from cl_server.auth import process
    from cl_server.auth.keys import KeyFileError

    def tell(username: str, password: str) -> None:
        sys.stderr.write(f"The first admin is {username!r}, with the password {password} (shown only this once)\n")
        sys.stderr.flush()

    def hand_over(username: str, password: str) -> None:
        del username
        put(f"{password}\n")

    try:
        if options.init:
            process.initialise(hand_over)
        elif options.rotate_key:
            put(f"{process.rotate_key()}\n")
        elif options.reset_password is not None:
            put(f"{process.reset_password(options.reset_password)}\n")
        else:
            expect_names(options)
            process.run(options.port, options.fd, tell, options.host)
    except (KeyFileError, process.NoSuchUserError) as error:
        return failed(str(error))
    return 0


def broker_config(options: Options) -> int:
    """Write the configuration of a broker, with new passwords."""
    from cl_server.stack import broker_files

    written = broker_files.write(
        options.folder,
        options.name or [],
        port=options.port,
        config_folder=options.config_folder,
        certificate=None if options.certificate is None else (options.certificate[0], options.certificate[1]),
        owner=options.owner,
    )
    settings = [options.folder / f"{user}.env" for user in ("server", "client")]
    put(
        f"wrote {options.folder}: start the broker with `mosquitto -c {options.folder / 'mosquitto.conf'}`\n"
        f"settings for APIs and workers are in {settings[0]}, for clients in {settings[1]}\n"
    )
    if written.owner is None and options.config_folder:
        put("the user that runs Mosquitto has to be able to read the files: --owner USER\n")
    return 0


def backup(options: Options) -> int:
    """Save the data of the servers, or restore it."""
    from cl_server.backup import folder
    from cl_server.backup.job_files import DamagedFileError
    from cl_server.settings import Settings

    settings = Settings.from_env()
    try:
        if options.command == "backup":
            contents, done = folder.save(settings, options.folder), f"to {options.folder}"
        else:
            contents, done = folder.load(options.folder, settings), f"from {options.folder}"
    except (DamagedFileError, OSError) as error:
        # What was written stays unfinished: `backup.json` is missing, or the database is empty.
        return failed(f"{options.command} isn't finished: {error}")
    parts = (
        [] if contents.jobs is None else [f"{contents.jobs} jobs with {contents.files} files ({contents.bytes} bytes)"]
    )
    if contents.users is not None:
        parts.append(f"{contents.users} users")
    verb = "saved" if options.command == "backup" else "restored"
    put(f"{verb} {' and '.join(parts)} {done}\n")
    return 0


def spec(folder: Path, *, check: bool) -> int:
    """Write or compare the spec_files."""
    from cl_server import spec_files

    if check:
        diff = spec_files.check(folder)
        put(diff)
        if diff:
            sys.stderr.write(f"{folder} is not what the servers say; run: make spec generate\n")
        return 1 if diff else 0
    for path in spec_files.write(folder):
        put(f"wrote {path}\n")
    return 0


def program() -> int:
    """The entry point of `cl-server`."""
    return whole(main)


if __name__ == "__main__":
    sys.exit(program())
