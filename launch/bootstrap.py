"""Makes a checkout ready: system packages, `.venv`, locked dependencies. Standard library only; safe to interrupt and repeat.

    python3 launch/bootstrap.py run|test

``run`` installs what the platform needs, ``test`` what its tests and checks need besides. When all is in place it takes
milliseconds.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
UNFINISHED = VENV / "unfinished"
LOCKS = {"run": "embedded.txt", "test": "dev.txt"}
# program -> Debian packages
PROGRAMS = {
    "run": {"bwrap": ["bubblewrap"]},
    "test": {"bwrap": ["bubblewrap"], "chromium-headless-shell": ["chromium-headless-shell", "fonts-dejavu-core"]},
}
# Some tests need more than every machine can have, and are skipped without it. file -> Debian package
WELCOME = {
    "run": {},
    "test": {
        "/usr/lib/postgresql/15/lib/plpgsql_check.so": "postgresql-15-plpgsql-check",
        "/usr/sbin/dockerd": "docker.io",  # containers for tools.docker.*
    },
}
# Read when Debian's PostgreSQL is installed: we want its programs, not a server that starts with the machine.
CLUSTER_POLICY = Path("/etc/postgresql-common/createcluster.conf")
ROOM_NEEDED_MB = {"run": 400, "test": 1000}


class CannotGoOn(Exception):  # noqa: N818 (an answer to the person, not a defect)
    """One line: what is missing, and what to do."""


def main(purpose: str) -> None:
    """Make everything ready for ``purpose``, or end with one clear line."""
    try:
        if not os.access(CHECKOUT, os.W_OK):
            raise CannotGoOn(
                f"{CHECKOUT} is not yours to write: run as its owner, or clone it into a folder of your own"
            )
        # One at a time: `make run` and `make test` may be started together.
        turn = os.open(CHECKOUT, os.O_RDONLY)
        fcntl.flock(turn, fcntl.LOCK_EX)
        system_packages(purpose)
        virtual_environment(purpose, (CHECKOUT / "requirements" / LOCKS[purpose]).read_text())
        welcome_packages(purpose)
        os.close(turn)
    except CannotGoOn as reason:
        sys.exit(f"cannot set up: {reason}")
    except OSError as error:
        sys.exit(f"cannot set up: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted: the next start continues")


def system_packages(purpose: str) -> None:
    """Install the missing Debian packages as root; otherwise say what to type."""
    missing = missing_packages(purpose)
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise CannotGoOn(f"these are missing, install them with your system's package manager: {' '.join(missing)}")
    if os.geteuid() != 0:
        raise CannotGoOn(f"type  sudo apt-get update && sudo apt-get install -y {' '.join(missing)}")
    say(f"installing {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait = ["-o", "DPkg::Lock::Timeout=300"]
    run(["dpkg", "--configure", "-a"], environment, "dpkg could not finish an interrupted installation")
    run(["apt-get", *wait, "-q", "update"], environment, "apt-get update failed")
    run(
        ["apt-get", *wait, "-q", "install", "-y", "--no-install-recommends", *missing],
        environment,
        "apt-get install failed",
    )


def welcome_packages(purpose: str) -> None:
    """As root, try once to install what only makes more tests possible. Nothing depends on it."""
    missing = [package for file, package in WELCOME[purpose].items() if not Path(file).exists()]
    tried = VENV / f"tried-{purpose}"
    if not missing or os.geteuid() != 0 or shutil.which("apt-get") is None or tried.exists():
        return
    say(f"installing {' '.join(missing)}, for more tests")
    if not CLUSTER_POLICY.exists():
        CLUSTER_POLICY.parent.mkdir(exist_ok=True)
        CLUSTER_POLICY.write_text("create_main_cluster = false\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-q", "install", "-y", "--no-install-recommends"]
    for package in missing:  # one by one: what is not to be had keeps the others from nothing
        done = subprocess.run(
            [*install, package], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode != 0:
            say(f"not to be had here: {package}; the tests that need it are skipped")
    tried.touch()


def missing_packages(purpose: str) -> list[str]:
    """Debian packages whose programs are not there."""
    missing = [
        package
        for program, packages in PROGRAMS[purpose].items()
        if shutil.which(program) is None
        for package in packages
    ]
    if importlib.util.find_spec("ensurepip") is None:  # Debian ships it apart, and `venv` needs it
        missing.append("python3-venv")
    return missing


def virtual_environment(purpose: str, lock: str) -> None:
    """Bring `.venv` to the state of the lock. An installation that was cut off is begun anew, as its files cannot be trusted."""
    stamp = VENV / f"installed-{purpose}"
    wanted = hashlib.sha256(f"{sys.version}\n{VENV}\n{lock}".encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted and not UNFINISHED.exists():
        return
    check_room(purpose)
    python = VENV / "bin" / "python"
    if UNFINISHED.exists() or not same_python(python):
        say("making .venv")
        if VENV.exists():
            shutil.rmtree(VENV)
        run([sys.executable, "-m", "venv", str(VENV)], dict(os.environ), "could not make .venv")
    UNFINISHED.touch()
    say(f"installing the locked dependencies of requirements/{LOCKS[purpose]} (once, about half a minute)")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    run(
        [*pip, "-r", str(CHECKOUT / "requirements" / LOCKS[purpose])],
        dict(os.environ),
        "pip could not install the dependencies",
    )
    stamp.write_text(wanted)
    UNFINISHED.unlink()


def same_python(python: Path) -> bool:
    """Whether ``python`` works and is of the version that runs this."""
    if not python.exists():
        return False
    ask = [str(python), "-c", "import sys; print(sys.version)"]
    answer = subprocess.run(ask, capture_output=True, text=True, check=False)
    return answer.stdout.strip() == sys.version.strip()


def check_room(purpose: str) -> None:
    """Refuse before a full disk does it half-way."""
    free_mb = shutil.disk_usage(CHECKOUT).free // 1024**2
    if free_mb < ROOM_NEEDED_MB[purpose]:
        raise CannotGoOn(
            f"only {free_mb} MB are free on the disk of {CHECKOUT}, {ROOM_NEEDED_MB[purpose]} MB are needed: make room"
        )


def run(command: list[str], environment: dict[str, str], complaint: str) -> None:
    """Run ``command``; what it said is shown only when it fails."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if line.strip() and not line.startswith("WARNING")]
        sys.stderr.write("".join(f"    {line}\n" for line in lines[-8:]))
        raise CannotGoOn(f"{complaint} (exit {done.returncode}; its last lines are above)")


def say(what: str) -> None:
    """Tell the person at the terminal what takes the time."""
    sys.stdout.write(f"· {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
