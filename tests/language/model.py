"""The rules of the language as plainly as they can be written: slow, without any state but how each task ended, and nothing of the engine's.

A task is told one word: succeeded, failed, skipped (a branch that was not taken), lost (skipped because something before it failed),
or neutral (a handler that was not needed). Tasks are looked at again and again until no rule says anything new.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Step = dict[str, Any]
Word = str
RAN = {"succeeded", "failed"}
ABSORBING = {"all_of", "any_of", "one_success"}


class Unsettled(Exception):  # noqa: N818
    """The rules leave it to time: whether a failure in a side is handled is only known after the end of the side."""


@dataclass
class Ended:
    """How a graph ended: each task's word, those inside rounds and branches under their keys, and whether it failed as a whole."""

    told: dict[str, Word] = field(default_factory=dict)
    inner: dict[str, Ended] = field(default_factory=dict)  # by what stands before the keys of its tasks
    branches: dict[str, Ended] = field(default_factory=dict)
    awaited: set[str] = field(default_factory=set)
    failed: bool = False

    def lost_branches(self) -> bool:
        """Whether a branch failed that no step was told of."""
        own = any(branch.failed and key not in self.awaited for key, branch in self.branches.items())
        return own or any(each.lost_branches() for each in self.inner.values())


def run(steps: list[Step]) -> Ended:
    """A whole task: a run, or a branch."""
    ended = Graph(steps, "", None).run()
    ended.failed = ended.failed or ended.lost_branches()
    return ended


class Graph:
    """One graph: the task's own, or a round of a loop with its number."""

    def __init__(self, steps: list[Step], prefix: str, item: int | None) -> None:
        self.steps = {step["task_id"]: step for step in steps}
        self.prefix = prefix
        self.item = item
        self.ended = Ended()
        self.told = self.ended.told

    def run(self) -> Ended:
        again = True
        while again:
            again = False
            for name, step in self.steps.items():
                word = None if name in self.told else self.look_at(step)
                if word is not None:
                    self.told[name] = word
                    again = True
        if len(self.told) < len(self.steps):
            raise Unsettled
        failures = [name for name, word in self.told.items() if word == "failed"]
        self.ended.failed = not all(self.is_handled(name) for name in failures)
        return self.ended

    def look_at(self, step: Step) -> Word | None:
        """What the rules say of a task; None while they have to wait."""
        for rule in (self.chosen_or_not, self.called_or_not, self.triggered_or_not, self.joined_or_not):
            word = rule(step)
            if word != "go":
                return None if word == "wait" else word
        return self.execute(step)

    # -- rule 1 and 3: what a choice lets through

    def choosers(self, name: str) -> list[Step]:
        return [step for step in self.steps.values() if name in targets(step)]

    def chosen_or_not(self, step: Step) -> Word:
        choosers = self.choosers(step["task_id"])
        words = [self.told.get(each["task_id"]) for each in choosers]
        if not choosers or any(self.chose(each) == step["task_id"] for each in choosers):
            return "go"
        if None in words:
            return "wait"
        return "lost" if {"failed", "lost"} & set(words) else "skipped"

    def chose(self, choice: Step) -> str | None:
        """The target that a choice which has succeeded let run."""
        if self.told.get(choice["task_id"]) != "succeeded":
            return None
        if choice["operator_type"] == "switch":
            found: str | None = choice["cases"].get(choice["switch_on"], choice.get("default"))
            return found
        holds = self.item == 0 if "item" in choice["condition"] else choice["condition"] == "1 == 1"
        side: str | None = choice["if_true"] if holds else choice["if_false"]
        return side

    # -- rule 4: handlers

    def owners(self, name: str) -> list[tuple[str, Word]]:
        found = [
            (step["task_id"], "succeeded") for step in self.steps.values() if step.get("on_success_task_id") == name
        ]
        return found + [
            (step["task_id"], "failed") for step in self.steps.values() if step.get("on_failure_task_id") == name
        ]

    def called_or_not(self, step: Step) -> Word:
        owners = self.owners(step["task_id"])
        words = [self.told.get(name) for name, _ in owners]
        if not owners or any(self.told.get(name) == how for name, how in owners):
            return "go"
        if None in words:
            return "wait"
        if set(words) <= {"skipped", "lost"}:
            return "lost" if "lost" in words else "skipped"
        return "neutral"

    # -- rules 1, 2 and 5: dependencies

    def triggered_or_not(self, step: Step) -> Word:
        name, rule = step["task_id"], step["trigger_rule"]
        before = self.waits_for(step)
        heard = [self.signal(each, name) for each in before]
        heard += [
            "succeeded" if self.chose(each) == name else None if each["task_id"] not in self.told else "neutral"
            for each in self.choosers(name)
        ]
        if rule == "one_success" and "succeeded" in heard:
            return "go"
        if rule == "one_done" and {"succeeded", "failed", "lost"} & set(heard):
            return "go"
        if None in heard:
            return "wait"
        counted = {word for word in heard if word != "neutral"}
        if not counted:
            counted = {word for each in before for word in self.in_its_place(each)}
        return passes(rule, counted)

    def waits_for(self, step: Step) -> list[str]:
        """The dependencies that count: not those on its own choice, owner, named tasks, or a target of the same choice."""
        name = step["task_id"]
        without = (
            {each["task_id"] for each in self.choosers(name)}
            | {owner for owner, _ in self.owners(name)}
            | set(step.get("join_tasks", ()))
        )
        for choice in self.choosers(name):
            without |= set(targets(choice))
        depends = [each for each in dict.fromkeys(step["dependencies"]) if each in self.steps and each not in without]
        return [each for each in depends if not self.is_inside(name, self.steps[each])]

    def in_its_place(self, handler: str) -> list[Word]:
        """The words of the owners of a handler that was not needed; for owners that are such handlers, of theirs."""
        found: list[Word] = []
        for owner, _ in self.owners(handler):
            found += self.in_its_place(owner) if self.told[owner] == "neutral" else [self.told[owner]]
        return found

    def signal(self, before: str, name: str) -> Word | None:
        """What the end of one task is to another: of a choice, the end of the side that it chose."""
        step, word = self.steps[before], self.told.get(before)
        if word != "succeeded" or not targets(step):
            return word
        target = self.chose(step)
        members = self.members(step, target) if target else set()
        if not all(member in self.told for member in members):
            return None
        failures = [member for member in members if self.told[member] == "failed"]
        handled = [self.is_handled(failure) for failure in failures]
        if None in handled:
            raise Unsettled
        return word if all(handled) else "failed"

    # -- what belongs to a side

    def after(self, start: str, barred: set[str]) -> set[str]:
        """Everything that comes after a task, and that task, without going through those that are barred."""
        found, new = set(), {start}
        while new:
            found |= new
            new = (
                {
                    name
                    for step in self.steps.values()
                    for name in self.following(step["task_id"])
                    if step["task_id"] in new
                }
                - found
                - barred
            )
        return found

    def following(self, name: str) -> set[str]:
        step = self.steps[name]
        handlers = {step.get("on_success_task_id"), step.get("on_failure_task_id")} - {None}
        found = {*targets(step), *handlers} & self.steps.keys()
        for other, each in self.steps.items():
            choosers = self.choosers(other)
            exclusive = any(name in targets(choice) or name == choice["task_id"] for choice in choosers)
            if name in each.get("join_tasks", ()) or (name in each["dependencies"] and not exclusive):
                found.add(other)
        return found

    def behind(self, handler: str) -> set[str]:
        """Where the graph goes on past a handler: a handler of its own is no going on, unless it is a join that looks at it."""
        step = self.steps[handler]
        own = {step.get("on_success_task_id"), step.get("on_failure_task_id")}
        return {
            name
            for name in self.following(handler)
            if name not in own or handler in self.steps[name].get("join_tasks", ())
        }

    def is_inside(self, name: str, choice: Step) -> bool:
        """Whether a task stands in a side of a choice that it also names."""
        barred = {choice["task_id"], *targets(choice)}
        return any(name in self.after(target, barred) for target in targets(choice))

    def members(self, choice: Step, target: str) -> set[str]:
        """The tasks that make up the side: reached from its target, and neither from another nor from those who wait for the side."""
        barred = {choice["task_id"], *targets(choice)}
        found = self.after(target, barred)
        for other in targets(choice):
            found -= self.after(other, barred) if other != target else set()
        for step in self.steps.values():
            if choice["task_id"] in self.waits_for(step):
                found -= self.after(step["task_id"], {choice["task_id"]})
        return found

    # -- joins

    def joined_or_not(self, step: Step) -> Word:
        if "join_tasks" not in step:
            return "go"
        words = [self.told.get(name) for name in step["join_tasks"]]
        if (step["join_mode"] == "any_of" and RAN & set(words)) or (
            step["join_mode"] == "one_success" and "succeeded" in words
        ):
            return "go"
        if None in words:
            return "wait"
        if RAN & set(words):
            return "go"
        return "lost" if "lost" in words else "skipped"

    # -- what a task does when it runs

    def execute(self, step: Step) -> Word:
        kind = step["operator_type"]
        if kind == "foreach":
            return self.loop(step)
        if kind == "parallel":
            for name, branch in step["branch_workflows"].items():
                self.ended.branches[f"{self.prefix}{step['task_id']}.{name}"] = run(list(branch["tasks"].values()))
        if kind == "join":
            words = {self.told.get(name) for name in step["join_tasks"]}
            mode = step["join_mode"]
            return (
                "failed"
                if (mode == "all_success" and "failed" in words) or (mode == "one_success" and "succeeded" not in words)
                else "succeeded"
            )
        if kind == "task":
            return self.call(step)
        return "succeeded"

    def call(self, step: Step) -> Word:
        if step["function"] == "wait":
            fork = step["args"][0].strip("{}")
            if self.told.get(fork) != "succeeded":
                return "failed"
            keys = [key for key in self.ended.branches if key.startswith(f"{self.prefix}{fork}.")]
            self.ended.awaited |= set(keys)
            return "failed" if any(self.ended.branches[key].failed for key in keys) else "succeeded"
        failures = {"good": 0, "bad": 99}.get(step["function"]) if step["function"] != "flaky" else step["args"][0]
        return "succeeded" if (failures or 0) <= step["retry_policy"]["max_retries"] else "failed"

    def loop(self, step: Step) -> Word:
        word = "succeeded"
        for item in range(step["rounds"]):
            prefix = f"{self.prefix}{step['task_id']}[{item}]/"
            ended = self.ended.inner[prefix] = Graph(step["loop_body"], prefix, item).run()
            if ended.failed:
                word = "failed"
                if not step["parallel"]:
                    break
        return word

    def is_handled(self, name: str) -> bool | None:
        """Whether a failure does not fail the run; None when it cannot be told yet."""
        handler = self.steps[name].get("on_failure_task_id")
        answers: list[bool | None] = []
        if handler is not None:
            word = self.told.get(handler)
            next_ones = self.behind(handler)
            went_on = any(self.told.get(other) in RAN for other in next_ones)
            is_open = word is None or any(other not in self.told for other in next_ones)
            answers.append(
                True if word == "succeeded" and went_on else None if word in {None, "succeeded"} and is_open else False
            )
        for step in self.steps.values():
            if name in step.get("join_tasks", ()) and step["join_mode"] in ABSORBING:
                word = self.told.get(step["task_id"])
                answers.append(None if word is None else word == "succeeded")
        return True if True in answers else None if None in answers else False


def targets(step: Step) -> list[str]:
    """The tasks that a condition or a switch chooses from."""
    named = {
        "condition": [step.get("if_true"), step.get("if_false")],
        "switch": [*step.get("cases", {}).values(), step.get("default")],
    }
    return [name for name in dict.fromkeys(named.get(step["operator_type"], [])) if name is not None]


def passes(rule: str, words: set[Word]) -> Word:
    """What a trigger rule says when everything before has ended."""
    bad = bool({"failed", "lost"} & words)
    if not words or rule == "all_done":
        return "go"
    if rule in {"one_success", "one_done"}:
        go = "succeeded" in words or (bad and rule == "one_done")
        return "go" if go else "lost" if bad else "skipped"
    if bad:
        return "lost"
    return "go" if rule == "none_failed" or "succeeded" in words else "skipped"
