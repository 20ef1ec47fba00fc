"""Where a cluster's data lives and which user its server runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from launch.refusal import Refusal

# Never the sandbox's user (nobody): what runs there must not share a user with the database.
UNPRIVILEGED = ("postgres", "daemon", "bin")
FALLBACK = Path("/var/lib/highway-platform")


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the server runs as; ``switch`` when that is not who we are."""

    uid: int
    gid: int
    switch: bool

    def own(self, path: Path) -> None:
        """Give ``path`` to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    @property
    def user(self) -> int | None:
        """`subprocess`'s argument of this name; None leaves the user as it is."""
        return self.uid if self.switch else None

    @property
    def group(self) -> int | None:
        """`subprocess`'s argument of this name."""
        return self.gid if self.switch else None

    @property
    def extra_groups(self) -> list[int] | None:
        """`subprocess`'s argument of this name: no further groups."""
        return [] if self.switch else None


def server_account() -> Account:
    """Ourselves, or an existing unprivileged user of the system when we are root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise Refusal(
        f"PostgreSQL cannot run as root and none of the users {', '.join(UNPRIVILEGED)} exists: start as a normal user"
    )


def can_enter(folder: Path, account: Account) -> bool:
    """Whether ``account`` may walk down to ``folder``; folders that do not exist yet count as open."""
    if not account.switch:
        return True
    existing = [each for each in (folder, *folder.parents) if each.exists()]
    return all(_may_search(each.stat(), account) for each in existing)


def _may_search(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def reachable_folder(wanted: Path, account: Account) -> Path:
    """``wanted``, or a folder of a stable name that ``account`` can reach: nobody's folder modes are changed for it."""
    wanted = wanted.absolute()
    if can_enter(wanted.parent, account):
        return wanted
    digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    return FALLBACK / f"{wanted.name}-{digest}"


def make_folder(folder: Path, mode: int) -> None:
    """Make ``folder`` and its missing parents, whatever the umask; folders that exist keep their mode."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        each.chmod(mode if each == folder else 0o755)
