"""A container engine of the tests' own, with one small image, where this machine can have one."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

IMAGE = "highway-test:1"
PROGRAMS = ("sh", "cat", "sleep", "id", "head", "env", "touch", "perl", "nproc", "tr")
START_SECONDS = 40
_BASE = ("--iptables=false", "--ip6tables=false", "--bridge=none")


class NoEngine(Exception):  # noqa: N818 - a reason, not a fault
    """Why there is none here."""


@dataclass(frozen=True)
class Engine:
    """An engine that runs."""

    url: str
    log: Path


@contextmanager
def container_engine() -> Iterator[Engine]:
    """Start an engine and give it the image; gone afterwards with all that it held. Raises `NoEngine` where it cannot be."""
    if os.geteuid() != 0:
        raise NoEngine("only root can start a container engine")
    if shutil.which("dockerd") is None:
        raise NoEngine("dockerd is not installed: apt-get install docker.io")
    folder = Path(
        tempfile.mkdtemp(prefix="hw-docker-", dir="/tmp")
    )  # short: the path of a socket has at most 107 characters
    try:
        with _first_that_starts(folder) as engine:
            yield engine
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _first_that_starts(folder: Path) -> Iterator[Engine]:
    reasons = []
    for driver in ("overlay2", "vfs"):
        place = folder / driver
        place.mkdir()
        process = _start(place, driver)
        try:
            engine = _ready(place, process)
            if engine is not None:
                yield engine
                return
            reasons.append(f"{driver}: {_last_error(place / 'log')}")
        finally:
            _stop(process)
    raise NoEngine("; ".join(reasons))


def _start(place: Path, driver: str) -> subprocess.Popen[bytes]:
    command = ["dockerd", *_BASE, f"--storage-driver={driver}", f"--host=unix://{place}/s", f"--pidfile={place}/pid"]
    command += [f"--data-root={place}/data", f"--exec-root={place}/run"]
    with (place / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _ready(place: Path, process: subprocess.Popen[bytes]) -> Engine | None:
    engine = Engine(f"unix://{place}/s", place / "log")
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        if subprocess.run(_docker(engine, "info"), capture_output=True, check=False).returncode == 0:
            return engine if _runs(engine) else None
        time.sleep(0.1)
    return None


def _runs(engine: Engine) -> bool:
    """Whether a container starts here at all: in a container of another engine it may not."""
    _import_image(engine)
    run = _docker(engine, "run", "--rm", "--network=none", "--log-driver=none", IMAGE, "true")
    done = subprocess.run(run, capture_output=True, check=False)
    with engine.log.open("ab") as log:
        log.write(done.stderr)
    return done.returncode == 0


def _import_image(engine: Engine) -> None:
    subprocess.run(_docker(engine, "import", "-", IMAGE), input=_root_file_system(), capture_output=True, check=True)


def _root_file_system() -> bytes:
    """A few of this machine's programs with their libraries."""
    files = {Path("/usr/bin/true")} | {
        Path(found) for name in PROGRAMS if (found := shutil.which(name, path="/usr/bin:/bin"))
    }
    for program in list(files):
        told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        files |= {Path(path) for path in re.findall(r"(/\S+\.so\S*)", told)}
    files |= {file for folder in Path("/usr/lib").glob("*/perl-base") for file in folder.rglob("*.p[ml]")}
    files |= {file for folder in Path("/usr/lib").glob("*/perl-base") for file in folder.rglob("*.so")}
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for folder in ("tmp", "proc", "sys", "dev", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        for file in sorted(files):
            archive.add(file.resolve(), str(file).lstrip("/"))
    return target.getvalue()


def _docker(engine: Engine, *arguments: str) -> list[str]:
    return ["docker", "--host", engine.url, *arguments]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_error(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][-300:] if lines else "it said nothing"
