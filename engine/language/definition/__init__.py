"""The typed model of a workflow definition: what every other room reads instead of raw JSON."""

from engine.language.definition.base import BaseOperator, TriggerRule
from engine.language.definition.branching import Condition, Join, JoinMode, Switch, Terminate
from engine.language.definition.calls import Activity, Child, ChildWorkflow, Compensation, Reflexive, Task
from engine.language.definition.events import EmitEvent, Wait, WaitForEvent
from engine.language.definition.nesting import Branch, Choice, ForEach, MultiChoice, Operator, Parallel, While
from engine.language.definition.policies import CircuitBreakerPolicy, Guard, RetryPolicy, TimeoutPolicy
from engine.language.definition.workflow import Definition

__all__ = [
    "Activity",
    "BaseOperator",
    "Branch",
    "Child",
    "ChildWorkflow",
    "Choice",
    "CircuitBreakerPolicy",
    "Compensation",
    "Condition",
    "Definition",
    "EmitEvent",
    "ForEach",
    "Guard",
    "Join",
    "JoinMode",
    "MultiChoice",
    "Operator",
    "Parallel",
    "Reflexive",
    "RetryPolicy",
    "Switch",
    "Task",
    "Terminate",
    "TimeoutPolicy",
    "TriggerRule",
    "Wait",
    "WaitForEvent",
    "While",
]
