"""Drawings are taken away from wherever a graph is shown: as files by plain links, and as text by the clipboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def runs(seed):
    return {"failed": seed.failed_run()}


def taken(page: Page, link: str) -> tuple[str, str]:
    """The name and the text of the file that a link gives."""
    with page.expect_download() as started:
        page.get_by_role("link", name=link, exact=True).click()
    return started.value.suggested_filename, started.value.path().read_text()


def test_a_run_is_taken_away_with_its_states_and_without_scripts(visit, runs):
    page = visit(f"/runs/{runs['failed']}/", java_script_enabled=False)
    title = page.locator("h1").inner_text()
    name, svg = taken(page, f"Download SVG of {title}")
    assert name == f"{title}-{runs['failed']}.svg"
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert 'data-state="failed"' in svg
    name, mermaid = taken(page, f"Download Mermaid of {title}")
    assert (name.rpartition(".")[2], mermaid.split()[0]) == ("mmd", "flowchart")
    name, dot = taken(page, f"Download DOT of {title}")
    assert (name.rpartition(".")[2], dot.split()[0]) == ("dot", "digraph")
    expect(page.locator(".copy").first).to_be_hidden()


@pytest.mark.parametrize(
    ("path", "title", "file"),
    [
        ("/workflows/order_fulfilment/", "order_fulfilment", "order_fulfilment-v1.svg"),
        ("/templates/?q=human_decision", "Human decision", "human_decision.svg"),
    ],
)
def test_so_are_a_workflow_and_a_template(visit, runs, path, title, file):
    name, svg = taken(visit(path, java_script_enabled=False), f"Download SVG of {title}")
    assert name == file
    assert 'data-state="pending"' in svg


def test_each_form_has_its_own_media_type_and_is_never_shown_as_a_page(visit, runs):
    page = visit("/templates/")
    kinds = {"svg": "image/svg+xml", "mermaid": "text/vnd.mermaid", "dot": "text/vnd.graphviz"}
    for form, kind in kinds.items():
        answer = page.request.get(f"/t/demo/templates/etl_list/drawing/{form}")
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert answer.headers["content-disposition"].startswith('attachment; filename="etl_list.')
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in (
        "templates/etl_list/drawing/pdf",
        "templates/of_nobody/drawing/svg",
        "workflows/of_nobody/drawing/svg",
    ):
        assert page.request.get(f"/t/demo/{path}").status == 404


def test_the_text_is_copied_at_a_click_and_the_page_says_so(visit, runs):
    page = visit("/workflows/order_fulfilment/", permissions=["clipboard-read", "clipboard-write"])
    for form, first in (("Mermaid", "flowchart"), ("DOT", "digraph")):
        expect(page.get_by_role("button", name=f"Copy {form} of order_fulfilment")).to_be_visible()
        button = page.locator(f'[data-copy$="/{form.lower()}"]')
        button.click()
        expect(button.locator(".word")).to_have_text("Copied")
        expect(page.locator("#announce")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()").split()[0] == first
        expect(button.locator(".word")).to_have_text("Copy")
    page.route("**/drawing/dot", lambda route: route.fulfill(status=404))
    page.get_by_role("button", name="Copy DOT of order_fulfilment").click()
    expect(page.locator("#announce")).to_have_text("Not copied")
