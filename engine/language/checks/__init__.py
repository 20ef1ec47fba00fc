"""Validation: everything that is wrong with a definition at once, each with its JSON path, and what a careful author would look at."""

from engine.language.checks.check import check, check_typed

__all__ = ["check", "check_typed"]
