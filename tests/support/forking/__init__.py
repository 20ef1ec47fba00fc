"""Processes that are there in milliseconds: forked from one that has loaded their libraries, and real in every other way."""

from tests.support.forking.forked import Forked
from tests.support.forking.server import ForkServer

__all__ = ["ForkServer", "Forked"]
