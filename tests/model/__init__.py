"""Random programs against a plain model of the engine.

    stages.py     what workflows are made of, and their definitions
    commands.py   random programs of commands; every one can be written down, repeated and shortened
    player.py     workers that are played: one small step at a time, to be frozen or killed between any two
    machine.py    carries out a program and asks after every command whether everything still holds
    model.py      what must have become of every run: no SQL, no engine
    facts.py      what has become of it, read from the database
    search.py     many programs, and the shortest form of one that fails

``python -m tests.model --rounds 10000`` looks for new ones; what it finds is kept in ``seeds.json`` and repeated by the test suite.
"""
