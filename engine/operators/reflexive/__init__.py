"""``reflexive``: generator, verifier, corrected generator: one activity that calls ``tools.agent.reflexive_loop``."""

from __future__ import annotations

from engine.language.definition import Activity, Reflexive
from engine.model.json import JsonObject

REFLEXIVE_TOOL = "tools.agent.reflexive_loop"


def as_activity(definition: Reflexive) -> Activity:
    """The activity that does the same."""
    common = definition.model_dump(
        exclude={
            "operator_type",
            "generator",
            "generator_kwargs",
            "verifier",
            "verifier_kwargs",
            "max_turns",
            "correction_prompt_template",
        }
    )
    arguments: JsonObject = {
        "generator": definition.generator,
        "generator_kwargs": definition.generator_kwargs,
        "verifier": definition.verifier,
        "verifier_kwargs": definition.verifier_kwargs,
        "max_turns": definition.max_turns,
    }
    if definition.correction_prompt_template is not None:
        arguments["correction_prompt_template"] = definition.correction_prompt_template
    return Activity.model_validate(
        {**common, "operator_type": "activity", "function": REFLEXIVE_TOOL, "kwargs": arguments}
    )
