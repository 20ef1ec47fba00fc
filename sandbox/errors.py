"""What can be wrong with the sandbox itself, as opposed to the program in it."""

from __future__ import annotations


class SandboxUnavailable(Exception):  # noqa: N818 - a state of this machine
    """Nothing can be sandboxed on this machine now. The message is one line that says what to do."""
