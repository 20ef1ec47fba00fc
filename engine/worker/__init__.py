"""The worker process: claims tasks, executes them, commits in groups, and starts anew when the database comes back.

Threads: the *loop* (one connection: claims and group commits, all sessions), *liveness* (one connection: identity lock, heartbeat, LISTEN),
*services* (one connection, shared by the upkeep of the whole installation), and the slots in which tools that can block run.
"""
