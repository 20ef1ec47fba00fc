"""The operators of the language, each in a folder of its own. To add one: its folder, and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from engine.operators.activity import ActivityOperator
from engine.operators.child_workflow import ChildWorkflowOperator
from engine.operators.condition import ConditionOperator
from engine.operators.emit_event import EmitEventOperator
from engine.operators.foreach import ForEachOperator
from engine.operators.join import JoinOperator
from engine.operators.kit.base import Operator, Site
from engine.operators.multi_choice import MultiChoiceOperator
from engine.operators.parallel import ParallelOperator
from engine.operators.reflexive import as_activity
from engine.operators.switch import SwitchOperator
from engine.operators.task import TaskOperator
from engine.operators.terminate import TerminateOperator
from engine.operators.wait import WaitOperator
from engine.operators.wait_for_event import WaitForEventOperator
from engine.operators.while_loop import WhileOperator

OPERATORS: Final[Mapping[str, Callable[[Any, Site], Operator]]] = MappingProxyType(
    {
        "task": TaskOperator,
        "activity": ActivityOperator,
        "condition": ConditionOperator,
        "switch": SwitchOperator,
        "wait": WaitOperator,
        "parallel": ParallelOperator,
        "multi_choice": MultiChoiceOperator,
        "join": JoinOperator,
        "foreach": ForEachOperator,
        "while": WhileOperator,
        "emit_event": EmitEventOperator,
        "wait_for_event": WaitForEventOperator,
        "child_workflow": ChildWorkflowOperator,
        "reflexive": lambda definition, site: ActivityOperator(as_activity(definition), site),
        "terminate": TerminateOperator,
    }
)
