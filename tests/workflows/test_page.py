"""The page in a real browser, on a real stack: signing in, sending files, and looking at what becomes of them."""

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import httpx
import pytest
from PIL import ExifTags, Image

from cl_client import AuthClient, UserCreateRequest
from tests.accounts import ADMIN, JOBS, Accounts
from tests.browser.chromium import Chromium, find
from tests.conftest import absent
from tests.media import photo
from tests.media.face import group
from tests.media.film import film

AXE: Final = Path(__file__).parents[1] / "browser" / "vendor" / "axe.min.js"
SHOTS: Final = Path(__file__).parents[2] / "build" / "page"
PASSWORD: Final = "correct horse"
FAILURE: Final = "is damaged: broken data stream when reading image file"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = find()
    if program is None:
        absent("chromium")
    with Chromium(program, tmp_path_factory.mktemp("chromium")) as found:
        yield found


class People:
    """Two users of a stack that others use too, so that nobody else's jobs are theirs."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.compute_url = accounts.stack.compute_url
        asyncio.run(self._make())

    async def _make(self) -> None:
        async with AuthClient(self.accounts.auth_url) as auth:
            for name in ("alice", "bob"):
                wanted = UserCreateRequest(username=name, password=PASSWORD, permissions=[JOBS])
                await auth.create_user(self.accounts.tokens[ADMIN], wanted)
            self.token = (await auth.login("alice", PASSWORD)).access_token

    def jobs(self, **query: str) -> list[dict[str, object]]:
        """The jobs of alice."""
        headers = {"authorization": f"Bearer {self.token}"}
        answer = httpx.get(f"{self.compute_url}/jobs", params=query, headers=headers).json()
        return cast("list[dict[str, object]]", answer["jobs"])

    def submit(self, task: str, content: bytes) -> str:
        """The id of a new job of alice."""
        headers = {"authorization": f"Bearer {self.token}"}
        data = {"format": "webp"} if task == "image_conversion" else {}
        sent = {"file": (f"{task}.bin", content)}
        answer = httpx.post(f"{self.compute_url}/jobs/{task}", files=sent, data=data, headers=headers, timeout=30)
        return str(answer.json()["job_id"])


@pytest.fixture(scope="module")
def people(accounts: Accounts) -> People:
    return People(accounts)


@pytest.fixture(scope="module")
def address(people: People) -> str:
    return f"{people.compute_url}/ui"


def broken_gif() -> bytes:
    content = bytearray(photo.encoded(photo.corners(400, 300), "GIF"))
    middle = len(content) // 3
    content[middle : middle + 60] = b"\xff" * 60
    return bytes(content)


def with_exif(exif: Image.Exif) -> bytes:
    content = io.BytesIO()
    photo.corners().save(content, "JPEG", exif=exif)
    return content.getvalue()


def keep(browser: Chromium, name: str) -> None:
    """A picture of the page, for people who look at what a test saw."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    browser.screenshot(SHOTS / f"{name}.png")


def violations(browser: Chromium) -> list[str]:
    """What axe-core finds against WCAG on what is shown now, and on which elements."""
    if not browser.run("typeof axe === 'object'"):
        browser.run(AXE.read_text() + "; 0")
    found = cast("str", browser.run("axe.run({resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))"))
    rules = cast("list[dict[str, list[dict[str, str]]]]", json.loads(found))
    return [f"{rule['id']}: {node['html'][:200]}" for rule in rules for node in rule["nodes"]]


def test_who_signs_in_sends_three_files_and_sees_why_one_failed(
    browser: Chromium, address: str, people: People, tmp_path: Path
) -> None:
    browser.open(address)
    browser.type("#username", "alice")
    browser.type("#password", "not her password")
    browser.click("button", "Sign in")
    browser.see("the user name or the password is wrong")
    assert violations(browser) == []
    browser.run("document.querySelector('#password').value = ''")
    browser.type("#password", PASSWORD)
    browser.click("button", "Sign in")
    browser.see("No jobs yet")
    browser.see("Live")
    assert browser.run("document.cookie") == ""

    files = [photo.write(tmp_path / name, photo.photo(800, 600)) for name in ("sea.jpg", "hill.jpg")]
    files.append(photo.write(tmp_path / "torn.gif", broken_gif()))
    browser.click("nav a", "New job")
    browser.see("Maximum width in pixels")
    assert violations(browser) == []
    browser.choose("#files", *files)
    browser.type("#field-width", "200")
    browser.click("button.primary", "Send 3 files")
    # Without loading the page again: events tell of it.
    browser.see("What failed, and why")
    browser.see(FAILURE)
    browser.wait("document.querySelectorAll('.rows .status.completed').length === 2")
    assert violations(browser) == []

    keep(browser, "jobs")

    browser.click(".failures button", "Show")
    browser.wait("document.querySelectorAll('.rows .row').length === 1")
    shown = browser.run("location.search")
    browser.click(".rows .name", "torn.gif")
    browser.wait("document.querySelector('.failure img')?.alt.includes('torn.gif')")
    browser.see("attempt 1 started")
    assert violations(browser) == []
    browser.run("history.back()")
    browser.wait(f"location.search === {json.dumps(shown)} && !document.querySelector('.panel')")
    browser.press("j")
    browser.press("r")
    browser.see("Queued again: 1 job")
    browser.wait("document.querySelectorAll('.rows .status.failed').length === 2")

    browser.click("nav a", "Jobs")
    browser.click(".rows .name", "sea.jpg")
    browser.wait("[...document.querySelectorAll('.compare img')].filter(i => i.naturalWidth).length === 2")
    assert browser.run("document.querySelector('.compare .after').naturalWidth") == 200
    browser.scheme("dark")
    assert violations(browser) == []
    keep(browser, "result")
    browser.scheme("light")
    browser.click(".panel button", "Download")
    browser.wait("document.querySelector('.toast')?.textContent.includes('Downloading')")
    saved = browser.downloads / "sea_thumbnail.jpg"
    browser.until(saved.exists)
    browser.press("Escape")

    assert len(people.jobs()) == 4
    assert [url for url in browser.requests if not url.startswith((people.compute_url, "data:", "about:"))] == []


def test_several_are_cancelled_at_once_while_one_runs(
    browser: Chromium, address: str, people: People, tmp_path: Path
) -> None:
    browser.open(f"{address}?view=new&plugin=hls_streaming")
    browser.see("Sign out")
    browser.see("Include original")
    videos = [photo.write(tmp_path / f"film{n}.mp4", film(8, (640, 480), rate=25)) for n in range(3)]
    browser.choose("#files", *videos)
    browser.click("button.primary", "Send 3 files")
    browser.wait("document.querySelector('.rows progress')?.value > 0")
    browser.click("label.pick input[aria-label='Select all that are loaded']")
    browser.click(".bulk button", "Cancel")
    browser.see("Cancelled")
    browser.wait("document.querySelectorAll('.rows .status.cancelled').length >= 2")
    assert people.jobs(status="queued") == []


KINDS: Final = {
    "hash": "document.querySelectorAll('.panel code.hash').length === 4",
    "exif": "document.querySelector('.exif a')?.href.startsWith('https://www.openstreetmap.org/?mlat=59.')",
    "face_detection": "document.querySelectorAll('.overlay rect').length === 2",
    "clip_embedding": "document.querySelectorAll('.embedding rect').length === 512",
    "image_conversion": "document.querySelector('.compare .after')?.naturalWidth > 0",
    "hls_streaming": "document.querySelector('video')?.readyState >= 1 && document.querySelector('video').duration > 0",
}
"""What is on the page when a result is shown as what it is."""


def test_every_kind_of_result_is_shown_as_what_it_is(browser: Chromium, address: str, people: People) -> None:
    place = Image.Exif()
    place.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (59.0, 23.0, 11.0), 3: "E", 4: (5.0, 19.0, 30.0)})
    pictured = photo.encoded(photo.corners(), "PNG")
    files = {
        "exif": with_exif(place),
        "face_detection": photo.encoded(group([(40, 60), (400, 140)]), "JPEG"),
        "hls_streaming": film(2, rate=25, codec="libx264"),
    }
    jobs = {task: people.submit(task, files.get(task, pictured)) for task in KINDS}
    for task, shown in KINDS.items():
        browser.open(f"{address}?job={jobs[task]}")
        browser.wait(shown)
    browser.open(f"{address}?job={jobs['hash']}")
    browser.click("button", "Find near duplicates")
    browser.see("No near duplicate among them")


def test_others_see_none_of_it(browser: Chromium, address: str, people: People) -> None:
    job_id = people.jobs()[0]["job_id"]
    browser.open(address)
    browser.click("button", "Sign out")
    browser.type("#username", "bob")
    browser.type("#password", PASSWORD)
    browser.click("button", "Sign in")
    browser.see("No jobs yet")
    browser.open(f"{address}?job={job_id}")
    browser.see(f"there is no job {job_id}")
    # A session that ends while one looks leads to the form.
    browser.send("Network.clearBrowserCookies")
    browser.click(".chips button", "Failed")
    browser.type("#username", "bob")
    browser.type("#password", PASSWORD)
    browser.click("button", "Sign in")
    browser.see("Sign out")
    browser.open(f"{address}?view=server")
    browser.see("Throughput")
    keep(browser, "server")
    assert violations(browser) == []
    # What went wrong in all of this: a wrong password, and a job that is not bob's.
    unexpected = [said for said in browser.complaints if "401" not in said and "404" not in said]
    assert [said for said in unexpected if "inline style" not in said] == []
