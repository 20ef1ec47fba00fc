"""``child_workflow``: starts children as runs of their own and waits for all. Result ``{branch: {"status", "result", "error"}}``."""

from __future__ import annotations

from typing import cast

from engine.language.definition import ChildWorkflow
from engine.language.expressions import compile_value
from engine.model.commands import AwaitTasks, StartChild
from engine.model.facts import Fact, ToolFailed, WaitOver
from engine.model.json import Json, JsonObject
from engine.operators.kit.awaiting import collect
from engine.operators.kit.base import Asked, At, Effect, Failed, PlainOperator, Site, Step


class ChildWorkflowOperator(PlainOperator):
    __slots__ = ("children", "inputs", "roots", "timeout_seconds")

    def __init__(self, definition: ChildWorkflow, site: Site) -> None:  # noqa: ARG002 - all operators are built alike
        self.children = dict(definition.children)
        self.inputs = compile_value({name: cast(Json, child.inputs) for name, child in definition.children.items()})
        self.roots = self.inputs.roots
        policy = definition.timeout_policy
        self.timeout_seconds = definition.timeout_seconds if policy is None else policy.timeout

    def step(self, at: At) -> Step:
        return _ChildWorkflowStep(at, self)


class _ChildWorkflowStep(Step):
    __slots__ = ("operator",)

    def __init__(self, at: At, operator: ChildWorkflowOperator) -> None:
        super().__init__(at)
        self.operator = operator

    @property
    def _keys(self) -> dict[str, str]:
        return {name: f"{self.at.qualified_key}.{name}" for name in self.operator.children}

    def begin(self) -> Effect:
        keys = self._keys
        inputs = cast(dict[str, JsonObject], self.operator.inputs.render(self.at.names))
        starts = tuple(
            StartChild(
                self.at.key,
                keys[name],
                inputs[name],
                workflow_name=child.workflow_name,
                definition_id=child.definition_id,
            )
            for name, child in self.operator.children.items()
        )
        return Asked((*starts, AwaitTasks(self.at.key, list(keys.values()), None, self.operator.timeout_seconds)))

    def settle(self, fact: Fact) -> Effect:
        if isinstance(fact, ToolFailed):  # a child could not be started
            return Failed(fact.error, gate=True)
        if not isinstance(fact, WaitOver):
            return super().settle(fact)
        return collect(self.at, fact, self._keys, fail_on_error=True)
