"""The workflow control-flow patterns, one runnable workflow each.

The patterns and their numbers are those of Russell, ter Hofstede, van der Aalst and Mulyar, *Workflow Control-Flow Patterns: A Revised View* (2006).

A file is what a user would write: Python source that the API takes as it is. Its docstring says in the first paragraph what the pattern is, and in
the second how it is said here: "Here:" by operators or tools made for it, "Arranged:" by several that are made for other things, "Partly:" and "No:" what
is missing. Beside the workflow it declares

- ``INPUTS``: what a run is given;
- ``DURING``: what happens to the run from outside, one after the other. Each waits for ``when`` ("step status", "step status how-often", or a list of
  these) and then does one thing: ``signal`` or ``event`` (with a ``payload``), ``cancel`` with a reason, or ``cancel_activity``;
- ``EXPECTED``, the trace: ``ends`` (the run's status, "completed" if it is left out), ``done`` (steps that succeed, named as often as they do), ``never``
  (steps that do not succeed), ``skipped``, ``failed`` (no other step may fail), ``order`` (chains of steps: each time of one before each time of the next;
  "step 2" is its second time), ``apart`` (pairs of a first and a last step: what lies between them happens to no two pairs at the same time) and
  ``result`` (values of the run's result, by path).
"""
