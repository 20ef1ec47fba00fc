"""Operators that hold graphs of their own: loops and branches; and the union of all operators."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from engine.language.adding import ADD_ITEMS
from engine.language.definition.base import BaseOperator
from engine.language.definition.branching import Condition, Join, Switch, Terminate
from engine.language.definition.calls import Activity, ChildWorkflow, Reflexive, Task
from engine.language.definition.events import EmitEvent, Wait, WaitForEvent
from engine.language.definition.fields import AnyJson, AnyJsonObject, BranchName, Model, Seconds, TaskId, none_is_absent


class ForEach(BaseOperator):
    """Runs its body once per item.

    A ``dynamic`` one takes more items while it is open, by the signal ``metadata.signal`` (add_items); with ``metadata.keep_open`` it is open until
    a signal says that there are no more.

    With ``needed`` the rounds of a parallel one are branches, and it ends when so many of them have; the others go on, or are cancelled with
    ``cancel_rest``. The public builder can write both in ``metadata``.
    """

    operator_type: Literal["foreach"]
    items: str | list[AnyJson]
    loop_body: list[Operator] = Field(min_length=1)  # may repeat the bodies of inner loops: see engine.language.scopes
    parallel: bool = False
    dynamic: bool = False
    needed: int | None = Field(None, ge=1)
    cancel_rest: bool = False

    @model_validator(mode="before")
    @classmethod
    def _needed_from_metadata(cls, data: Any) -> Any:
        given = none_is_absent(data, "needed", "cancel_rest")
        metadata = given.get("metadata") if isinstance(given, dict) else None
        if not isinstance(metadata, dict):
            return given
        return {**{name: metadata[name] for name in ("needed", "cancel_rest") if name in metadata}, **given}

    @property
    def signal(self) -> str:
        """The name of the signal that adds items."""
        return str(self.metadata.get("signal", ADD_ITEMS))

    @property
    def keeps_open(self) -> bool:
        """Whether more items are awaited when all there are have ended."""
        return self.metadata.get("keep_open") is True

    @model_validator(mode="after")
    def _says_how_it_grows(self) -> ForEach:
        if self.dynamic and not (isinstance(name := self.metadata.get("signal", ADD_ITEMS), str) and name.strip()):
            raise ValueError("metadata.signal is the name of the signal that adds items")
        if self.dynamic and not isinstance(self.metadata.get("keep_open", False), bool):
            raise ValueError("metadata.keep_open is true or false")
        return self

    @model_validator(mode="after")
    def _needs_some_of_many(self) -> ForEach:
        if self.needed is not None and (self.dynamic or not self.parallel):
            raise ValueError(
                "needed is for rounds that run at the same time, of items that are there: parallel, and not dynamic"
            )
        if self.cancel_rest and self.needed is None:
            raise ValueError("cancel_rest says what becomes of the rounds that are not needed: say how many are")
        return self


class While(BaseOperator):
    """Runs its body as long as the condition holds before each round."""

    operator_type: Literal["while"]
    condition: str = Field(min_length=1)
    loop_body: list[Operator] = Field(min_length=1)
    max_iterations: int | None = Field(None, ge=1, le=1_000_000)


class Branch(Model):
    """The workflow inside a branch."""

    tasks: dict[TaskId, Operator] = Field(min_length=1)
    variables: AnyJsonObject = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _ids_from_keys(cls, data: Any) -> Any:
        return with_task_ids(data)


class Parallel(BaseOperator):
    """Forks its branches and goes on at once."""

    operator_type: Literal["parallel"]
    branches: dict[BranchName, list[str]] = Field(default_factory=dict)
    branch_workflows: dict[BranchName, Branch] = Field(min_length=1)
    timeout: Seconds | None = None


class Choice(Model):
    """When a branch of a multi_choice is started."""

    condition: str = Field(min_length=1)


class MultiChoice(BaseOperator):
    """Forks the branches whose condition holds; fewer than ``minimum_branches`` fails."""

    operator_type: Literal["multi_choice"]
    branches: dict[BranchName, Choice] = Field(min_length=1)
    branch_workflows: dict[BranchName, Branch] = Field(min_length=1)
    minimum_branches: int = Field(1, ge=0)
    timeout: Seconds | None = None

    @model_validator(mode="after")
    def _every_branch_has_tasks(self) -> MultiChoice:
        missing = sorted(self.branches.keys() - self.branch_workflows.keys())
        if missing:
            raise ValueError(f"branch_workflows has no tasks for {', '.join(missing)}")
        return self


Operator: TypeAlias = Annotated[
    Task
    | Activity
    | Condition
    | Switch
    | Wait
    | Parallel
    | MultiChoice
    | Join
    | ForEach
    | While
    | EmitEvent
    | WaitForEvent
    | ChildWorkflow
    | Reflexive
    | Terminate,
    Field(discriminator="operator_type"),
]


def with_task_ids(data: Any) -> Any:
    """The same workflow with every task's ``task_id`` filled in from its key where it is missing."""
    if not isinstance(data, dict) or not isinstance(data.get("tasks"), dict):
        return data
    tasks = {
        key: {**task, "task_id": key} if isinstance(task, dict) and task.get("task_id") is None else task
        for key, task in data["tasks"].items()
    }
    return {**{key: value for key, value in data.items() if value is not None}, "tasks": tasks}


for _model in (ForEach, While, Branch, Parallel, MultiChoice):
    _model.model_rebuild()
