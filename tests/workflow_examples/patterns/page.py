"""Writes docs/patterns.md from the pattern files."""

from __future__ import annotations

from collections import Counter

from tests.workflow_examples.patterns.catalogue import Pattern, patterns

HERE = "../tests/workflow_examples/patterns"
HEAD = """\
# Workflow patterns

The {quantity} control-flow patterns of the Workflow Patterns Initiative (Russell, ter Hofstede, van der Aalst, Mulyar: *Workflow Control-Flow Patterns:
A Revised View*, 2006) are the yardstick by which workflow languages have been compared since. **{yes} of them can be said in full: {direct} by operators
and tools made for it, {arranged} by an arrangement. {partly} can be said in part, {no} not at all.**

Each name leads to a runnable workflow of some thirty lines, with the trace that is expected of it. The tests run all of them through the REST API,
undisturbed and while a worker is killed every second, and compare.

- *yes*: the example shows all of the pattern, with operators and tools as they are.
- *yes, arranged*: the same, but several operators or tools have to be put together that are made for other things. The published evaluations give half
  a mark for that. *Counted arrivals* are one: each branch counts itself with `tools.simple_counter.increment` and emits an event with its number,
  for others to wait for; events are kept, so nobody comes too early.
- *partly*: something is missing, and the line says what.

Made from the examples by `python -m tests.workflow_examples.patterns > docs/patterns.md`.

| | pattern | supported | how |
| ---: | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    found = patterns()
    counts = Counter(_support(pattern) for pattern in found)
    head = HEAD.format(
        quantity=len(found),
        yes=counts["yes"] + counts["yes, arranged"],
        direct=counts["yes"],
        arranged=counts["yes, arranged"],
        partly=counts["partly"],
        no=counts["no"],
    )
    return head + "".join(map(_row, found))


def _support(pattern: Pattern) -> str:
    return f"{pattern.supported}, arranged" if pattern.arranged else pattern.supported


def _row(pattern: Pattern) -> str:
    link = f"[{pattern.name}]({HERE}/{pattern.path.name})"
    return f"| {pattern.number} | {link} | {_support(pattern)} | {pattern.how} |\n"
