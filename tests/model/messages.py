"""What must have become of what was sent to a run: the first event wins, and each signal is taken once, in order."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.asked import Asked
from tests.model.facts import Facts
from tests.model.stages import places


def check_messages(facts: Facts, asked: Asked) -> Iterator[str]:
    """Events: the first wins. Signals: each is taken once, in order."""
    for name, payload in asked.emitted.items():
        if name not in facts.events or facts.events[name]["payload"] != payload:
            yield f"the event {name} is {facts.events.get(name)}, and the first emit was accepted with {payload}"
    for name in {signal["name"] for signal in facts.signals} | asked.sent.keys():
        inbox = [signal for signal in facts.signals if signal["name"] == name]
        if [signal["payload"] for signal in inbox] != asked.sent.get(name, []):
            yield f"the inbox of {name} is not what was sent"
        taken = [signal["taken_by"] is not None for signal in inbox]
        if sorted(taken, reverse=True) != taken:
            yield f"signals {name} were taken out of order: {taken}"
    receivers: dict[tuple[str, str], list[int]] = {}
    for scope, key, stage in places(asked.workflow.stages):
        done = facts.done.get((scope, key))
        if stage.kind == "take" and done and done.outcome == "succeeded":
            receivers.setdefault((scope, stage.name), []).append(done.result["seq"])
    heard = [seq for seqs in receivers.values() for seq in seqs]
    if len(heard) != len(set(heard)):
        yield "a signal was taken twice"
    if any(seqs != sorted(seqs) for seqs in receivers.values()):
        yield f"signals came out of order: {receivers}"
