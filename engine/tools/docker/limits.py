"""What every container gets, and what of it can be asked for: never more than the operator allows."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from engine.durable.runners import DockerPolicy
from engine.tools.errors import ToolInputError

DEFAULT_MEMORY = "256m"
WORK_SPACE = "rw,nosuid,nodev,mode=1777,size=64m"
_SIZE = re.compile(r"(\d{1,12})([bkmg]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _readable(text: str) -> str:
    if not _SIZE.fullmatch(text):
        raise ValueError(f"{text!r} is no size: give 256m or 1g")
    return text


def _unprivileged(user: str) -> str:
    if user.partition(":")[0].lstrip("0") == "" or user.partition(":")[0] == "root":
        raise ValueError("containers do not run as root")
    return user


Size = Annotated[str, AfterValidator(_readable)]
Image = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][A-Za-z0-9._/:@-]*$", max_length=300)]
PlainName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]
Words = Annotated[list[Annotated[str, StringConstraints(max_length=100_000)]], Field(max_length=1_000)]
User = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]+(:[A-Za-z0-9_]+)?$", max_length=70), AfterValidator(_unprivileged)
]


class ContainerInput(BaseModel):
    """One container. The root file system is read-only, `/tmp` is its work space; it has no privileges, and none can be got."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    image: Image
    command: Words | str | None = None
    entrypoint: Words | None = None
    environment: dict[str, str | int | float | bool] = Field(default_factory=dict)
    working_dir: Annotated[str, StringConstraints(pattern=r"^/", max_length=500)] | None = None
    user: User = "65534:65534"
    memory_limit: Size = DEFAULT_MEMORY
    cpu_limit: Annotated[float, Field(gt=0, le=1_024)] = 1.0
    process_limit: Annotated[int, Field(gt=0, le=1_000_000)] = 64

    @field_validator("environment", mode="before")
    @classmethod
    def _as_names(cls, given: Any) -> Any:
        return dict(entry.split("=", 1) for entry in given) if _is_list_of_pairs(given) else given

    @field_validator("environment")
    @classmethod
    def _has_plain_names(cls, given: dict[str, Any]) -> dict[str, Any]:
        for name, text in given.items():
            if not _NAME.fullmatch(name) or "\0" in str(text):
                raise ValueError(f"{name!r} cannot be an environment variable")
        return given


def _is_list_of_pairs(given: Any) -> bool:
    return isinstance(given, list) and all(isinstance(entry, str) and "=" in entry for entry in given)


def container_options(given: ContainerInput, policy: DockerPolicy) -> dict[str, Any]:
    """The engine's words for a container within the operator's limits. Raises `ToolInputError` for one that asks for more."""
    memory = _bytes(given.memory_limit)
    _bound("memory_limit", memory, policy.max_memory_bytes)
    _bound("cpu_limit", given.cpu_limit, policy.max_cpus)
    _bound("process_limit", given.process_limit, policy.max_processes)
    return {
        "image": given.image,
        "command": given.command,
        "entrypoint": given.entrypoint,
        "environment": {name: _shown(text) for name, text in given.environment.items()},
        "working_dir": given.working_dir,
        "user": given.user,
        "mem_limit": memory,
        "memswap_limit": memory,  # no more by swapping
        "nano_cpus": int(given.cpu_limit * 1_000_000_000),
        "pids_limit": given.process_limit,
        "read_only": True,
        "tmpfs": {"/tmp": WORK_SPACE},  # noqa: S108 - inside the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "ipc_mode": "private",
        "init": False,
    }


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text)
    assert found is not None  # noqa: S101 - checked where it was read
    return int(found[1]) * _UNITS[found[2].lower()]


def _bound(name: str, wanted: float, most: float) -> None:
    if wanted > most:
        raise ToolInputError(f"tools.docker: {name}: {wanted:,g} is more than this worker gives, {most:,g}")


def _shown(text: Any) -> str:
    return str(text).lower() if isinstance(text, bool) else str(text)
