"""The pure core: a compiled definition and the facts of a task so far -> commands. No I/O, no clock, no threads.

`compile_program` once per definition; an `Execution` per claimed task; ``program.at(path)`` for branches and activities.
"""

from engine.interpreter.compiler import compile_program
from engine.interpreter.execution import Execution
from engine.interpreter.program import Program
from engine.interpreter.undoing import Undoing

__all__ = ["Execution", "Program", "Undoing", "compile_program"]
