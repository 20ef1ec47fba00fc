"""The editor: problems appear at their place while somebody writes."""

from __future__ import annotations

import re

from playwright.sync_api import expect

PASTE = """(node, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    node.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


def write(page, text: str) -> None:
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.locator(".cm-content").evaluate(PASTE, text)


def test_a_mistake_is_shown_in_the_list_and_in_the_gutter_and_the_graph_is_dimmed(visit, screenshots):
    page = visit("/runs/start/")
    expect(page.locator("#problems")).to_have_attribute("data-valid", "true", timeout=15_000)
    expect(page.locator("#preview .dag a.node")).to_have_count(2)
    write(page, "from highway_dsl import WorkflowBuilder\n\nbuilder = WorkflowBuilder('x'\n")
    expect(page.locator("#problems li")).to_have_count(1, timeout=15_000)
    expect(page.locator("#problems .place")).to_have_text(re.compile("^3:"))
    expect(page.locator(".cm-gutter-lint .cm-lint-marker-error")).to_have_count(1)
    expect(page.locator("#preview .dag")).to_be_visible()
    assert float(page.locator("#preview .dag").evaluate("node => getComputedStyle(node).opacity")) < 1
    page.screenshot(path=screenshots / "start-mistake-light-1440.png")


def test_a_problem_of_the_definition_points_at_the_line_that_names_the_task(visit):
    page = visit("/runs/start/")
    page.get_by_role("radio", name="JSON").check()
    write(
        page,
        '{"name": "x", "tasks": {\n"a": {"operator_type": "task", "function": "tools.log.info"},\n'
        '"b": {"operator_type": "task", "function": "tools.log.info", "dependencies": ["nobody"]}}}',
    )
    problem = page.locator("#problems li", has_text="nobody").first
    expect(problem).to_be_visible(timeout=15_000)
    expect(problem.locator(".place")).to_have_text(re.compile("^3:"))


def test_what_is_written_is_what_is_sent(visit):
    page = visit("/runs/start/")
    page.get_by_role("radio", name="YAML").check()
    write(
        page, "name: from_yaml\ntasks:\n  a:\n    operator_type: task\n    function: tools.log.info\n    args: [hi]\n"
    )
    page.get_by_role("button", name="Start run").first.click()
    expect(page.get_by_role("heading", name="from_yaml")).to_be_visible(timeout=15_000)
    page.get_by_role("link", name="from_yaml").first.click()
    expect(page.locator("pre.code")).to_contain_text("operator_type: task")
    page.get_by_role("link", name="Start run").click()
    expect(page.get_by_role("radio", name="YAML")).to_be_checked()
    expect(page.locator("#id_source")).to_have_value(re.compile("from_yaml"))
