"""The whole server on this machine: broker, API, workers, and auth if wanted; in one call and gone with the caller."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, Literal, Self

from cl_ml_tools.discovery import discover_tasks
from cl_server.broker_address import BrokerAddress
from cl_server.clock import now_ms
from cl_server.file_lock import take
from cl_server.messaging.doorbell import registered
from cl_server.settings import Settings, prepare
from cl_server.settings_error import SettingsError
from cl_server.stack import broker, fork_client, probe, temporary_data
from cl_server.stack.broker import HOST, BrokerKind
from cl_server.stack.cores import cores
from cl_server.stack.fork_client import COMMAND, ForkServer
from cl_server.stack.process_id import ProcessId
from cl_server.stack.running_stack import LOCK, LOGS, RECORD, WORKERS_LOCK, StackRecord, holder
from cl_server.stack.supervisor import REMAINS, Service, wait_until

START = 60.0
STOP = 10.0
PORT_RACES = 5
# The variables that the stack sets for its own parts.
PLACES = {
    "CL_DATA", "CL_DATABASE", "CL_STORAGE", "CL_GUEST_MODE", "AUTH_URL", "CL_AUTH_KEY",
    "MQTT_URL", "MQTT_CA_FILE", "MQTT_BROKER_HOST", "MQTT_BROKER_PORT",
}  # fmt: skip


class StackError(Exception):
    """The stack cannot be started; one line that says which part, why, and where its log is."""


class LocalStack:
    """Broker, compute API and workers on 127.0.0.1.

    `port` and `mqtt_port` 0 mean a free port. Without `data`, the files are in a temporary folder that is deleted with
    the stack. Without `workers`, each core has one. `max_upload` is in bytes. Parts that die are restarted. They end
    with this process, even if it is killed. Raises `StackError` if the stack can't start.

    With `database`, jobs are in PostgreSQL, and with `storage`, files are in S3. Otherwise, both are in `data`. A task
    that takes longer than `task_timeout` seconds fails. The variables for these places (`PLACES`) are not read here, so
    that a temporary stack never joins a real one by accident; `cl-client server up` passes them on. All others apply
    (`CL_TOKEN_LIFETIME`, `CL_QUOTA_JOBS`, …), unless an argument overrides them.

    With `auth`, the stack has an auth server, and guests are refused unless `guest_mode` permits them. An admin can
    change that later, and the change persists. `admin_password` is the password of the user `admin` if this start
    created that user; it is stored nowhere else.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        port: int = 0,
        mqtt_port: int = 0,
        workers: int | None = None,
        broker: Literal["auto", "mosquitto", "amqtt"] = "auto",
        max_upload: int | None = None,
        auth: bool = False,
        auth_port: int = 0,
        guest_mode: bool | None = None,
        database: str | None = None,
        storage: str | None = None,
        task_timeout: float | None = None,
    ) -> None:
        self._wanted_data = data
        self._wanted_port = port
        self._wanted_mqtt_port = mqtt_port
        self._wanted_broker = broker
        self._max_upload = max_upload
        self._auth = auth
        self._wanted_auth_port = auth_port
        self._guest_mode = not auth if guest_mode is None else guest_mode
        self._database = database
        self._storage = storage
        self._task_timeout = task_timeout
        self._workers = workers if workers is not None else cores()
        self._broker_password = secrets.token_urlsafe(24)
        self._services: dict[str, Service] = {}
        self._sockets: list[socket.socket] = []
        self._used = contextlib.ExitStack()
        self._forks: ForkServer | None = None
        self._lock: IO[str] | None = None
        self._workers_lock: IO[str] | None = None
        self._started_at = 0
        self.data = Path()
        self.compute_url = ""
        self.auth_url: str | None = None
        self.admin_password: str | None = None
        self.mqtt_host = HOST
        self.mqtt_port = 0
        self.broker_kind: BrokerKind = "amqtt"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start everything and wait until a job would be taken."""
        try:
            self._forks = self._used.enter_context(fork_client.shared())
            self._open_data()
            self._start_broker()
            listening, self.compute_url = self._listen(self._wanted_port)
            settings = self._settings()
            if self._auth:
                settings = self._start_auth(settings)
            self._start_server("compute", listening, settings)
            self._start_workers(settings)
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        self._started_at = now_ms()
        for service in self._services.values():
            service.keep(self._record)
        self._record()
        return self

    def _settings(self) -> Settings:
        try:
            found = Settings.from_env({name: value for name, value in os.environ.items() if name not in PLACES})
        except SettingsError as error:
            raise StackError(str(error)) from None
        return replace(
            found,
            data=self.data,
            mqtt=self.broker_address(),
            max_upload=self._max_upload or found.max_upload,
            guest_mode=self._guest_mode,
            database_url=self._database,
            storage_url=self._storage,
            task_timeout=self._task_timeout or found.task_timeout,
        )

    def stop(self) -> None:
        """End everything, within about `STOP` seconds. May be called again."""
        deadline = time.monotonic() + STOP
        # The broker goes last: the others still have something to say.
        ordered = sorted(self._services.values(), key=lambda service: service.name == "broker")
        for service in ordered:
            if service.name != "broker":
                service.stop()
        for service in ordered:
            service.stop()
            service.wait(deadline)
        self._services.clear()
        self._used.close()
        while self._sockets:
            self._sockets.pop().close()
        if self._lock is not None:
            (self.data / RECORD).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
            if self._workers_lock is not None:
                self._workers_lock.close()
            if self._wanted_data is None:
                shutil.rmtree(self.data, ignore_errors=True)

    def pids(self) -> dict[str, int]:
        """The process of each part: `broker`, `compute`, `w0`, …"""
        return {name: service.pid for name, service in self._services.items()}

    def _record(self) -> None:
        """Say in the data folder what runs there, for `running_stack`."""
        main = ProcessId.of(os.getpid())
        if main is None:
            return
        parts = {name: ProcessId.of(pid) for name, pid in self.pids().items()}
        record = StackRecord(
            main=main,
            version=version("cl-client"),
            started_at=self._started_at,
            compute_url=self.compute_url,
            mqtt_url=f"mqtt://{self.mqtt_host}:{self.mqtt_port}",
            broker=self.broker_kind,
            auth_url=self.auth_url,
            parts={name: part for name, part in parts.items() if part is not None},
        )
        # A full disk must not end a server.
        with contextlib.suppress(OSError):
            record.write(self.data)

    def environment(self) -> dict[str, str]:
        """The environment variables with which a client finds this stack."""
        found = {
            "COMPUTE_URL": self.compute_url,
            "MQTT_BROKER_HOST": self.mqtt_host,
            "MQTT_BROKER_PORT": str(self.mqtt_port),
        }
        return found if self.auth_url is None else {**found, "AUTH_URL": self.auth_url}

    @property
    def page_url(self) -> str | None:
        """The address of the page, unless it is turned off."""
        return None if os.environ.get("CL_PAGE") == "off" else f"{self.compute_url}/ui"

    def left_out(self) -> dict[str, str]:
        """The tasks that the workers don't offer because a library or a model is missing: one line for each."""
        lacks = {task_type: module.missing() for task_type, module in discover_tasks().items()}
        return {task_type: lack for task_type, lack in lacks.items() if lack is not None}

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a part; if it dies of it, it is started again."""
        self._services[name].send(number)

    def restart(self, name: str, number: int = signal.SIGTERM) -> None:
        """End a part by a signal and wait until its next incarnation works."""
        service = self._services[name]
        before = service.starts
        service.send(number)
        if not wait_until(lambda: service.starts > before and self._works(name), START):
            raise self._failure(name)

    def _works(self, name: str) -> bool:
        if name == "broker":
            return broker.answers(self.mqtt_port)
        if name == "compute":
            return probe.get(self.compute_url, "/healthz") is not None
        if name == "auth":
            return self.auth_url is not None and probe.get(self.auth_url, "/healthz") is not None
        return self._services[name].pid in {worker.pid for worker in registered(self.data / "workers")}

    def _open_data(self) -> None:
        if self._wanted_data is None:
            temporary_data.sweep(Path(tempfile.gettempdir()))
            self.data = Path(tempfile.mkdtemp(prefix=temporary_data.PREFIX))
        else:
            self.data = self._wanted_data.absolute()
        try:
            prepare(self.data)
            (self.data / LOGS).mkdir(exist_ok=True)
            lock = (self.data / LOCK).open("a+")
        except SettingsError as error:
            raise StackError(str(error)) from error
        except OSError as error:
            raise StackError(f"the data folder {self.data} cannot be used: {error.strerror}") from error
        # Every part has the lock too (`_service`), because those of a killed stack still finish their work.
        other = holder(lock)
        if not wait_until(partial(take, lock), 0 if other is not None and other.is_alive() else REMAINS):
            lock.close()
            raise StackError(f"the data folder {self.data} is in use by another stack; stop it first")
        workers = (self.data / WORKERS_LOCK).open("a")
        if not wait_until(partial(take, workers), REMAINS):
            lock.close()
            workers.close()
            raise StackError(f"workers of `cl-server worker` have the data folder {self.data}; stop them first")
        self._workers_lock = workers
        (self.data / RECORD).unlink(missing_ok=True)
        lock.truncate(0)
        lock.write(str(ProcessId.of(os.getpid())))
        lock.flush()
        self._lock = lock

    def _start_broker(self) -> None:
        self.broker_kind = self._choose_broker()
        for _ in range(PORT_RACES):
            self.mqtt_port = self._wanted_mqtt_port or broker.free_port()
            argv = broker.command(self.broker_kind, self.mqtt_port, self.data, self._broker_password)
            environment = {broker.VARIABLE: self._broker_password}
            service = self._service("broker", argv, environment, guarded=self.broker_kind == "mosquitto")
            if not wait_until(partial(self._settled, service), START):
                raise self._failure("broker")
            if service.exit_code() is None:
                return
            if self._wanted_mqtt_port:
                break
        raise self._failure("broker")

    def broker_address(self) -> BrokerAddress:
        """The broker with the credentials of the servers, which can publish."""
        return BrokerAddress(HOST, self.mqtt_port, username=broker.SERVER, password=self._broker_password)

    def _settled(self, service: Service) -> bool:
        return service.exit_code() is not None or broker.answers(self.mqtt_port)

    def _choose_broker(self) -> BrokerKind:
        if self._wanted_broker == "amqtt":
            return "amqtt"
        if broker.find_mosquitto() is not None:
            return "mosquitto"
        if self._wanted_broker == "mosquitto":
            raise StackError("mosquitto is not installed on this machine; install it, or use the broker auto")
        return "amqtt"

    def _listen(self, port: int) -> tuple[socket.socket, str]:
        # This process owns the socket and lends it to the API: while the API restarts, connections wait in its queue.
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            listening.close()
            raise StackError(
                f"port {port} of {HOST} cannot be used: {error.strerror}; choose another, or 0 for any"
            ) from error
        listening.listen(512)
        self._sockets.append(listening)
        return listening, f"http://{HOST}:{broker.port_of(listening)}"

    def _start_server(self, name: str, listening: socket.socket, settings: Settings) -> None:
        fd = listening.fileno()
        argv = [*COMMAND, name, "--lifeline", "--fd", str(fd)]
        self._service(name, argv, settings.environment(), pass_fds=(fd,), forks=self._forks)

    def _start_auth(self, settings: Settings) -> Settings:
        """Start the auth server; returns the settings of the servers that believe its tokens."""
        listening, self.auth_url = self._listen(self._wanted_auth_port)
        settings = replace(settings, auth_url=self.auth_url)
        # Apart from the server, whose standard error is a file: the password must not get there.
        made = self._run([*COMMAND, "auth", "--init"], {**os.environ, **settings.environment()})
        if made.returncode != 0:
            said = made.stderr.strip().splitlines()
            raise StackError(f"auth did not start: {said[-1] if said else 'no message'}")
        self.admin_password = made.stdout.strip() or None
        self._start_server("auth", listening, settings)
        return settings

    def _start_workers(self, settings: Settings) -> None:
        for slot in range(self._workers):
            argv = [*COMMAND, "worker", "--lifeline", "--slot", str(slot), "--of", str(self._workers)]
            self._service(f"w{slot}", argv, settings.environment(), forks=self._forks)

    def _run(self, argv: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        if self._forks is not None:
            return self._forks.run(argv, environment)
        return subprocess.run(
            argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def _service(
        self,
        name: str,
        argv: list[str],
        environment: dict[str, str],
        *,
        pass_fds: tuple[int, ...] = (),
        guarded: bool = False,
        forks: ForkServer | None = None,
    ) -> Service:
        service = Service(
            name,
            argv,
            self.data / LOGS / f"{name}.log",
            environment={**os.environ, **environment},
            pass_fds=(*pass_fds, *(lock.fileno() for lock in (self._lock, self._workers_lock) if lock is not None)),
            guarded=guarded,
            forks=forks,
        )
        self._services[name] = service
        service.start()
        return service

    def _await_ready(self) -> None:
        def ready() -> bool:
            if any(service.exit_code() is not None for service in self._services.values()):
                return True
            answer = probe.get(self.compute_url, "/capabilities")
            if answer is None or answer.get("num_workers") != self._workers:
                return False
            return not self._auth or self._works("auth")

        in_time = wait_until(ready, START)
        for name, service in self._services.items():
            if service.exit_code() is not None:
                raise self._failure(name)
        if not in_time:
            raise self._failure(next((name for name in self._services if not self._works(name)), "broker"))

    def _failure(self, name: str) -> StackError:
        service = self._services[name]
        code = service.exit_code()
        why = "no answer" if code is None else f"it ended with status {code}"
        return StackError(f"{name} did not start: {why}: {service.last_words() or 'no message'} (log: {service.log})")
