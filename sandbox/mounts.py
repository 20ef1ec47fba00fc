"""What of this machine a sandboxed program can see: the system's libraries, the Python it runs on, the modules it asked for. Nothing else."""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MODULES = "/opt/modules"
FOLDERS = "/opt/folders"
_SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime")


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of this machine and where the program sees it, read-only."""

    source: Path
    target: Path


def python_home() -> Path:
    """Where the interpreter itself lives: the base of a virtual environment, never the environment."""
    return Path(sys.base_prefix).resolve()


def python_program() -> Path:
    """The interpreter to run inside."""
    named = python_home() / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return named if named.exists() else Path(os.path.realpath(sys.executable))


def system_arguments() -> list[str]:
    """The system's own folders, as arguments of bubblewrap."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM_LINKS:
        folder = Path("/", name)
        if folder.is_symlink():
            arguments += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            arguments += ["--ro-bind", str(folder), str(folder)]
    arguments += ["--perms", "0755", "--dir", "/etc"]
    for file in _SYSTEM_FILES:
        arguments += ["--ro-bind-try", file, file]
    return arguments


def private_mounts(modules: Iterable[str], folders: Iterable[str] = ()) -> list[Mount]:
    """The interpreter, unless it is the system's, the modules, and the folders by their numbers."""
    home = python_home()
    mounts = [] if home == Path("/usr") or Path("/usr") in home.parents else [Mount(home, home)]
    for name in modules:
        source = _module_source(name)
        mounts.append(Mount(source, Path(MODULES, source.name)))
    mounts += [Mount(Path(folder).resolve(), Path(FOLDERS, str(number))) for number, folder in enumerate(folders)]
    return mounts


def mount_arguments(mounts: Iterable[Mount]) -> list[str]:
    """The mounts as arguments of bubblewrap. Parents are named one by one, for those it makes by itself are closed to others."""
    arguments: list[str] = []
    made: set[Path] = set()
    for mount in mounts:
        for parent in reversed(mount.target.parents[:-1]):
            if parent not in made:
                made.add(parent)
                arguments += ["--perms", "0755", "--dir", str(parent)]
        arguments += ["--ro-bind", str(mount.source), str(mount.target)]
    return arguments


def readable_by_everyone(path: Path) -> bool:
    """Whether an unprivileged user may come as far as ``path`` and read it."""
    if not all(_allows(parent, stat.S_IXOTH) for parent in path.parents):
        return False
    return _allows(path, stat.S_IROTH | stat.S_IXOTH if path.is_dir() else stat.S_IROTH)


def _allows(path: Path, bits: int) -> bool:
    return path.stat().st_mode & bits == bits


def _module_source(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"{name} is not installed here, so no sandboxed program can import it", name=name)
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    if spec.origin is None:
        raise ModuleNotFoundError(f"{name} has no file", name=name)
    return Path(spec.origin).resolve()
