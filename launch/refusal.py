"""The one way in which the launcher says that it cannot go on."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 (an answer to the person, not a defect)
    """Something outside of us is missing or broken. The message is one line: what is wrong, and what to do."""
