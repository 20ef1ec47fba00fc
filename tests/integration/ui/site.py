"""The platform as a browser test sees it, and what is asked of every page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as BrowserError

from tests.support.databases import Database
from tests.support.stack import Stack

EMAIL = "admin@localhost.localdomain"
AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True, slots=True)
class Site:
    """Where it is, and how to get in."""

    stack: Stack
    database: Database
    password: str
    signed_in: Path

    @property
    def url(self) -> str:
        return self.stack.url

    def tenant_id(self, slug: str) -> UUID:
        """The id of a tenant."""
        with psycopg.connect(self.database.superuser) as connection:
            row = connection.execute("SELECT id FROM tenants_tenant WHERE slug = %s", [slug]).fetchone()
        assert row
        return UUID(str(row[0]))

    def make_viewer(self, email: str, password: str) -> None:
        """A member of tenant `demo` who may look and do nothing."""
        self.stack.manage(
            "shell",
            "-c",
            "from tenants.services import membership_set, user_create; from tenants.selectors import tenant_by_slug; "
            f"user, _ = user_create(email={email!r}, password={password!r}, actor='test'); "
            "membership_set(tenant=tenant_by_slug('demo'), user=user, roles=['workflow_viewer'], actor='test')",
        )

    def sign_in(self, browser: Browser) -> None:
        """Sign in as the administrator, once, and keep the cookies."""
        context = browser.new_context(base_url=self.url)
        page = context.new_page()
        page.goto("/login")
        fill_login(page, self.password)
        page.wait_for_url(lambda url: "/login" not in url)
        page.goto("/t/demo/")  # takes away the message about signing in
        context.storage_state(path=self.signed_in)
        context.close()


def fill_login(page: Page, password: str, email: str = EMAIL) -> None:
    """Type an address (the administrator's) and a password, and send them."""
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def violations(page: Page) -> list[str]:
    """What axe finds on a page, nothing excluded: rule and element."""
    page.wait_for_load_state()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate(f"axe.run({{runOnly: {json.dumps(AXE_TAGS)}}})")
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    page.wait_for_load_state()
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


def looks_sound(page: Page, pictures: Path, name: str) -> None:
    """In both themes, wide and narrow: no violation and nothing wider than the window. A picture of each is kept for people to look at."""
    for theme in ("light", "dark"):
        page.context.add_cookies([{"name": "theme", "value": theme, "url": page.url}])
        page.set_viewport_size({"width": 1280, "height": 900})
        page.reload()
        page.screenshot(path=pictures / f"{name}-{theme}-1280.png", full_page=True)
        assert violations(page) == []
        assert overflow(page) == 0
        page.set_viewport_size({"width": 320, "height": 640})
        page.screenshot(path=pictures / f"{name}-{theme}-320.png", full_page=True)
        assert overflow(page) == 0


def go(page: Page, address: str) -> None:
    """Open the address. Chromium drops what it loads when a network interface comes or goes, as the containers of other tests make them: then once more."""
    try:
        page.goto(address)
    except BrowserError as error:
        if "ERR_NETWORK_CHANGED" not in str(error):
            raise
        page.goto(address)
