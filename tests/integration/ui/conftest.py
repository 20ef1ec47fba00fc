"""A real browser on the real platform: see `site` and `visit`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.integration.ui.seed import Seeder
from tests.integration.ui.site import Site, go
from tests.support.databases import Database
from tests.support.stack import Stack

CHROMIUM = "/usr/bin/chromium-headless-shell"  # Chromium without its windows: pages are there in half the time
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
EXPECTED_NOISE = re.compile(r"Failed to load resource: the server responded with a status of (4\d\d)")
Visit = Callable[..., Page]
expect.set_options(timeout=15_000)  # of what a click leads to: the address changes before the page is read


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for these tests; pages do not share cookies. It is closed before others run: Django refuses to work beside its event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(stack: Stack, platform_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A running web server with the tenants `default` and `demo`, and an administrator of both. Workers are up to the test."""
    password = re.search(r"password: (\S+)", stack.manage("bootstrap").stdout)
    assert password
    stack.start_web()
    return Site(stack, platform_database, password[1], tmp_path_factory.mktemp("browser") / "signed-in.json")


@pytest.fixture(scope="module")
def seed(site: Site) -> Iterator[Seeder]:
    """Writes runs of the tenant `demo` into the database."""
    with psycopg.connect(site.database.worker, autocommit=True) as connection:
        yield Seeder(connection, site.tenant_id("demo"))


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Visit]:
    """``visit("/runs/", width=320)``: a page of tenant `demo`, signed in. Whatever a page complains about fails the test."""
    complaints: list[str] = []
    contexts = []
    tolerated = [EXPECTED_NOISE]

    def open_page(
        path: str = "/",
        *,
        width: int = 1440,
        signed_in: bool = True,
        tolerate: str = "",
        **options: object,
    ) -> Page:
        if signed_in and not site.signed_in.exists():
            site.sign_in(chromium)
        state = site.signed_in if signed_in else None
        size = {"width": width, "height": 900 if width > 760 else 640}
        tolerated.extend([re.compile(tolerate)] if tolerate else [])
        context = chromium.new_context(storage_state=state, viewport=size, base_url=site.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        go(page, path if path.startswith("/t/") or not signed_in else f"/t/demo{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(noise.search(text) for noise in tolerated)] == []


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the screens are kept for people to look at."""
    folder = Path(__file__).parents[2] / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder
