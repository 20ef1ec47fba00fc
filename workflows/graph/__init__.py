"""The drawing of a workflow: read a definition, lay it out, paint the states of a run on it. Pure Python, no I/O, no Django models.

`read` makes a tree of nodes, `layout` gives every node a place, `states` rolls the steps of a run up to the nodes, `svg` writes it down.
"""
