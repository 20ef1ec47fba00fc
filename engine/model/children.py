"""How deep families of runs may grow, and why a child is not started."""

from __future__ import annotations

from engine.model.errors import StepError

MAX_GENERATIONS = 32


def no_child(*, too_deep: bool) -> StepError:
    """The failure of a step whose child could not be started: the run is of the last generation, or there is no such workflow."""
    if too_deep:
        message = f"child workflows are nested at most {MAX_GENERATIONS} generations deep, and this run is of the last"
        return StepError("input", message, "TooManyGenerations", retryable=False)
    return StepError("input", "no such workflow", "UnknownWorkflow", retryable=False)
