"""The language against what people and machines write: random programs, hostile definitions, injections, and a plain model of its rules.

python -m tests.language --rounds 10000      random programs beyond those of `make test`
"""
