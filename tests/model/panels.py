"""The people of the programs, and who of them decides what."""

from __future__ import annotations

from dataclasses import dataclass

PEOPLE: dict[str, tuple[str, ...]] = {  # each with the roles that they go by, too
    "ann": ("role:lead",),
    "bob": (),
    "cid": ("role:team",),
    "dan": ("role:team", "role:lead"),
}


@dataclass(frozen=True)
class Round:
    """Who decides one stage of a question, and how many of them have to agree."""

    approvers: tuple[str, ...] = ()
    quorum: int = 1


PANELS: dict[str, tuple[Round, ...]] = {
    "one": (Round(),),
    "own": (Round(),),  # whoever started the run may decide it, too
    "two": (Round(quorum=2),),
    "named": (Round(("ann", "role:team"), 2),),
    "chain": (Round(("role:team",)), Round(("bob", "role:lead"), 2)),
}


def allows_self(panel: str) -> bool:
    """Whether who started the run may decide what this panel does."""
    return panel == "own"
