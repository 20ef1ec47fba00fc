"""``task``: calls a tool as one checkpointed step, with attempts, and answers what the tool asks of the engine."""

from engine.operators.task.operator import TaskOperator

__all__ = ["TaskOperator"]
