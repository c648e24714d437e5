"""A real Chromium without a screen, driven by the protocol of its developer tools (Chrome DevTools Protocol)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, cast

from websockets.sync.client import ClientConnection, connect

PATIENCE: Final = 30.0
# Nothing of it talks to anybody but the page.
SWITCHES: Final = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-features=Translate,OptimizationHints,MediaRouter", "--mute-audio", "--hide-scrollbars",
    "--remote-debugging-port=0", "--window-size=1280,860",
    # Colours are measured as they are in the end.
    "--force-prefers-reduced-motion",
)  # fmt: skip


def find() -> str | None:
    """The browser of this machine."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class ScriptError(Exception):
    """A script of a test failed in the page."""


class Chromium:
    """One browser with one tab.

    `requests` are the addresses that the tab asked for, `complaints` what its console said.
    """

    def __init__(self, program: str, folder: Path) -> None:
        self._folder = folder
        self._port_file = folder / "profile" / "DevToolsActivePort"
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        command = [program, *SWITCHES, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        log = (folder / "chromium.log").open("wb")
        with log:
            # A group of its own, so that all of its processes end with it.
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._number = 0
        self._session = ""
        self._socket: ClientConnection | None = None

    def __enter__(self) -> Self:
        deadline = time.monotonic() + PATIENCE
        while not self._port_file.exists() or "\n" not in self._port_file.read_text():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self._process.kill()
                raise RuntimeError(f"Chromium doesn't start: {(self._folder / 'chromium.log').read_text()[-500:]}")
            time.sleep(0.02)
        port, path = self._port_file.read_text().split("\n")[:2]
        self._socket = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None)
        targets = cast("list[dict[str, str]]", self.send("Target.getTargets")["targetInfos"])
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=page, flatten=True)
        self._session = cast("str", attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.send(f"{domain}.enable")
        downloads = {"behavior": "allow", "downloadPath": str(self.downloads)}
        self.send("Browser.setDownloadBehavior", **downloads)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._socket is not None:
            self._socket.close()
        os.killpg(self._process.pid, 9)
        self._process.wait()

    def send(self, method: str, **params: object) -> dict[str, object]:
        """One command, and its answer."""
        assert self._socket is not None
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = cast("dict[str, object]", json.loads(self._socket.recv(timeout=PATIENCE)))
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise ScriptError(f"{method}: {answer['error']}")
                return cast("dict[str, object]", answer["result"])
            self._note(answer)

    def _note(self, event: dict[str, object]) -> None:
        params = json.dumps(event.get("params"))
        said = cast("dict[str, dict[str, object]]", event.get("params", {}))
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(str(said["request"]["url"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(params)
            case "Log.entryAdded" if said["entry"]["level"] == "error":
                self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")
            case "Runtime.consoleAPICalled" if cast("object", said["type"]) == "error":
                self.complaints.append(params)
            case _:
                pass

    def open(self, url: str) -> None:
        """Go to a page, and wait until it has loaded."""
        self.send("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def run(self, script: str) -> object:
        """The value of an expression in the page; a promise is awaited."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise ScriptError(json.dumps(answer["exceptionDetails"])[:2000])
        return cast("dict[str, object]", answer["result"]).get("value")

    def wait(self, script: str, seconds: float = PATIENCE) -> object:
        """Wait until an expression is true, looked at with each frame that the browser draws."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if found := self.run(f"Promise.resolve({script}).then(Boolean)"):
                    return found
            except ScriptError:
                # The page is being replaced.
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {script}\nthe page says: {self.text()[:1500]}")
            time.sleep(0.03)

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait for what the browser does outside of the page."""
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < deadline
            # Answers when it has drawn the next frame.
            self.run("new Promise(requestAnimationFrame)")

    def text(self) -> str:
        """What one reads on the page."""
        return str(self.run("document.body.innerText"))

    def see(self, words: str, seconds: float = PATIENCE) -> None:
        """Wait until these words are on the page."""
        self.wait(f"document.body.innerText.includes({json.dumps(words)})", seconds)

    def click(self, selector: str, words: str = "") -> None:
        """Click the first element that matches, and has these words."""
        wanted = f"e.textContent.includes({json.dumps(words)}) && !e.disabled"
        found = f"[...document.querySelectorAll({json.dumps(selector)})].find(e => {wanted})"
        self.wait(f"Boolean({found})")
        self.run(f"{found}.click()")

    def type(self, selector: str, words: str) -> None:
        """Type into an input."""
        self.wait(f"document.querySelector({json.dumps(selector)})")
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.send("Input.insertText", text=words)

    def press(self, key: str) -> None:
        """Press and release a key."""
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        code = {"Enter": 13, "Escape": 27}.get(key, 0)
        event: dict[str, object] = {"key": key, "text": text, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", **event)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def choose(self, selector: str, *files: Path) -> None:
        """Give files to an input, as its dialog does."""
        root = cast("dict[str, object]", self.send("DOM.getDocument")["root"])
        node = self.send("DOM.querySelector", nodeId=root["nodeId"], selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", files=[str(file) for file in files], nodeId=node)

    def screenshot(self, path: Path) -> None:
        """What one sees, as PNG."""
        data = cast("str", self.send("Page.captureScreenshot", format="png")["data"])
        path.write_bytes(base64.b64decode(data))

    def resize(self, width: int, height: int, *, phone: bool = False, scale: float = 1) -> None:
        """Another window."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)

    def scheme(self, name: str) -> None:
        """`light` or `dark`."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])
