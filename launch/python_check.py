# Runs on any Python, however old, so that the wrong one gets a sentence instead of a syntax error.
import sys

OLDEST, FIRST_TOO_NEW = (3, 11), (3, 14)

if not OLDEST <= sys.version_info[:2] < FIRST_TOO_NEW:
    sys.exit(
        "Highway Platform needs Python 3.11, 3.12 or 3.13, and %s is %d.%d: name another one, as in  make run PYTHON=python3.11"
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )
