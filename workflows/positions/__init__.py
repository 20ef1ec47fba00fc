"""Where in a source a problem stands, for problems that only know their JSON path in the definition that the source makes.

`placing` puts lines and columns on problems. JSON and YAML have a map from each path to its position; Python is searched for the call that
makes the task.
"""
