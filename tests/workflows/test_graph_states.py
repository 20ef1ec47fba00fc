"""The steps of a run, rolled up to the nodes of its definition."""

from datetime import UTC, datetime, timedelta

from engine.model.views import StepView, Wait
from workflows.graph.details import node_detail
from workflows.graph.layout import draw
from workflows.graph.model import Edge, Node
from workflows.graph.states import roll_up
from workflows.graph.svg import render_svg

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def step(key: str, status: str = "succeeded", scope: str = "", **more) -> StepView:
    more.setdefault("operator", "task")
    more.setdefault("started_at", NOON)
    if status in {"succeeded", "failed"}:
        more.setdefault("finished_at", NOON + timedelta(seconds=1.2))
    return StepView(scope=scope, key=key, task_id=key, status=status, **more)


def loop(*names: str, kind: str = "foreach") -> Node:
    children = tuple(Node(f"each/{name}", "task", name, name) for name in names)
    return Node("", "root", "w", children=(Node("each", kind, "for each", "each", children=children),))


def fork() -> Node:
    branches = tuple(
        Node(f"fork.{name}", "branch", name, children=(Node(f"fork.{name}/step", "task", "step", "step"),))
        for name in ("a", "b")
    )
    return Node("", "root", "w", children=(Node("fork", "parallel", "parallel", "fork", children=branches),))


def test_rounds_of_a_loop_are_counted_on_the_body():
    steps = [step(f"each[{index}]/one") for index in range(18)] + [step("each[18]/one", "failed")]
    states = roll_up(loop("one"), steps)
    assert states["each/one"].state == "failed"
    assert node_detail(loop("one").children[0].children[0], states["each/one"]) == "19/19 done · 1 failed"


def test_a_loop_runs_until_it_says_that_it_is_over():
    begun = [step("each[0]/one"), step("each[0]", operator="while")]
    assert roll_up(loop("one"), begun)["each"].state == "running"
    assert roll_up(loop("one"), [*begun, step("each", operator="while")])["each"].state == "succeeded"


def test_rounds_that_are_branches_are_counted_on_the_body_too():
    steps = [step("one", scope="each[0]"), step("one", "running", scope="each[1]"), step("each[]", operator="foreach")]
    states = roll_up(loop("one"), steps)
    assert (states["each/one"].counts, states["each"].state) == ({"succeeded": 1, "running": 1}, "running")


def test_a_fork_runs_while_a_branch_runs():
    forked = step("fork", operator="parallel")
    states = roll_up(fork(), [forked, step("step", scope="fork.a"), step("step", "running", scope="fork.b")])
    assert (states["fork.a"].state, states["fork.b"].state, states["fork"].state) == ("succeeded", "running", "running")
    states = roll_up(fork(), [forked, step("step", scope="fork.a"), step("step", scope="fork.b")])
    assert states["fork"].state == "succeeded"


def test_what_stands_in_a_skipped_container_is_skipped():
    states = roll_up(fork(), [step("fork", "skipped", operator="parallel", reason="branch_not_taken")])
    assert {state.state for key, state in states.items() if key} == {"skipped"}


def test_nothing_stays_active_in_an_ended_run():
    root = Node("", "root", "w", children=(Node("a", "wait", "a", "a"),))
    assert roll_up(root, [step("a", "sleeping")], run_is_open=False)["a"].state == "cancelled"


def test_a_retry_tells_its_time_and_no_clock():
    root = Node("", "root", "w", children=(Node("a", "task", "a", "a"),))
    waiting = step("a", "retrying", attempt=2, wait=Wait("retry", NOON, None, None, None))
    assert node_detail(root.children[0], roll_up(root, [waiting])["a"]) == "attempt 3 at 12:00:00 UTC"


def test_names_from_definitions_are_escaped():
    evil = '"><script>alert(1)</script>'
    root = Node(
        "",
        "root",
        "w",
        children=(Node(evil, "task", evil, evil), Node("b", "task", "b")),
        edges=(Edge(evil, "b", evil),),
    )
    text = render_svg(draw(root), roll_up(root, []), link=lambda key: f"?step={key}")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
