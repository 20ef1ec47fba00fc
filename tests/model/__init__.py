"""Random programs against a plain model of the engine.

    stages.py       what workflows are made of, panels.py who decides in them; definitions.py says the same in the language
    commands.py     random programs of commands; every one can be written down, repeated and shortened; scenes.py: commands that belong together
    player.py       workers that are played: one small step at a time, to be frozen or killed between any two
    machine.py      carries out a program, and asks after each command whether all holds; submitting.py, control.py, following.py, scheduling.py and
                    deciding.py are groups of commands
    ending.py       brings everything to its end
    asked.py        what was asked of each run
    facts.py        what has become of it, read from the database
    prediction.py   which steps it must have made
    model.py        what must have become of it besides: no SQL, no engine; messages.py of what was sent to it, answers.py of what it
                    asked people, asking.py how one question goes, counting.py of the counter
    search.py       many programs, and the shortest form of one that fails

``make crash ONLY=R2`` looks for new ones; what it finds is kept in ``seeds.json`` and repeated by the test suite.
"""
