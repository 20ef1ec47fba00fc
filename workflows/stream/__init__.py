"""Following a run as it happens: server-sent events.

All viewers of a process share one poll a second (`watch`), which asks for all their runs at once whether anything changed. Only who has
something new to read takes a connection, for the time of the read (`news`). `events` is the conversation itself.
"""
