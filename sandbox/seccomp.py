"""The system calls a sandboxed program may not make, as the BPF program that the kernel checks.

Namespaces and limits are the wall; this closes what they leave open: memory that no limit counts (memfd, System V shared memory), sockets of
families that network namespaces do not hold back (vsock), new user namespaces, and the parts of the kernel with the longest list of bugs.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF opcodes
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000  # seccomp answers
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in seccomp_data
_AF_UNIX = 1
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW* of clone(2)
_X32_BIT = 0x40000000


@dataclass(frozen=True, slots=True)
class _Machine:
    audit_number: int
    clone: int
    clone3: int
    socket: int
    denied: dict[str, int]


# Calls with one number everywhere: everything newer than the unified table of Linux 5.
_DENIED_ANYWHERE = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "memfd_secret": 447,
}

_X86_64 = _Machine(
    audit_number=0xC000003E,
    clone=56,
    clone3=435,
    socket=41,
    denied={
        "shmget": 29,
        "shmat": 30,
        "shmctl": 31,
        "semget": 64,
        "msgget": 68,
        "ptrace": 101,
        "syslog": 103,
        "personality": 135,
        "modify_ldt": 154,
        "pivot_root": 155,
        "adjtimex": 159,
        "chroot": 161,
        "acct": 163,
        "settimeofday": 164,
        "mount": 165,
        "umount2": 166,
        "swapon": 167,
        "swapoff": 168,
        "reboot": 169,
        "iopl": 172,
        "ioperm": 173,
        "init_module": 175,
        "delete_module": 176,
        "quotactl": 179,
        "clock_settime": 227,
        "mq_open": 240,
        "kexec_load": 246,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "unshare": 272,
        "vmsplice": 278,
        "perf_event_open": 298,
        "fanotify_init": 300,
        "name_to_handle_at": 303,
        "open_by_handle_at": 304,
        "clock_adjtime": 305,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "kcmp": 312,
        "finit_module": 313,
        "memfd_create": 319,
        "kexec_file_load": 320,
        "bpf": 321,
        "userfaultfd": 323,
    },
)

_AARCH64 = _Machine(
    audit_number=0xC00000B7,
    clone=220,
    clone3=435,
    socket=198,
    denied={
        "umount2": 39,
        "mount": 40,
        "pivot_root": 41,
        "chroot": 51,
        "quotactl": 60,
        "vmsplice": 75,
        "acct": 89,
        "personality": 92,
        "unshare": 97,
        "kexec_load": 104,
        "init_module": 105,
        "delete_module": 106,
        "clock_settime": 112,
        "syslog": 116,
        "ptrace": 117,
        "reboot": 142,
        "settimeofday": 170,
        "adjtimex": 171,
        "mq_open": 180,
        "msgget": 186,
        "semget": 190,
        "shmget": 194,
        "shmctl": 195,
        "shmat": 196,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "swapon": 224,
        "swapoff": 225,
        "perf_event_open": 241,
        "fanotify_init": 262,
        "name_to_handle_at": 264,
        "open_by_handle_at": 265,
        "clock_adjtime": 266,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "kcmp": 272,
        "finit_module": 273,
        "memfd_create": 279,
        "bpf": 280,
        "userfaultfd": 282,
        "kexec_file_load": 294,
    },
)

_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}


def seccomp_filter(machine: str | None = None) -> bytes:
    """The filter for this machine, ready for the kernel. Raises `LookupError` for a machine it has no table for."""
    name = machine or platform.machine()
    if name not in _MACHINES:
        raise LookupError(f"no system call table for {name}; there is one for {' and '.join(_MACHINES)}")
    return b"".join(_instructions(_MACHINES[name]))


def _instructions(machine: _Machine) -> list[bytes]:
    refuse = _op(_RETURN, _ERRNO | errno.EPERM)
    not_there = _op(_RETURN, _ERRNO | errno.ENOSYS)
    program = [
        _op(_LOAD, _ARCHITECTURE),
        _op(_EQUAL, machine.audit_number, if_true=1),
        _op(_RETURN, _KILL),  # another instruction set has other numbers
        _op(_LOAD, _NUMBER),
        *_when(_AT_LEAST, _X32_BIT, not_there),
        *_when(_EQUAL, machine.clone3, not_there),  # its flags cannot be read from here; libc falls back to clone
    ]
    for number in (*machine.denied.values(), *_DENIED_ANYWHERE.values()):
        program += _when(_EQUAL, number, refuse)
    program += [
        _op(_EQUAL, machine.clone, if_false=3),
        _op(_LOAD, _FIRST_ARGUMENT),
        *_when(_ANY_BIT, _NEW_NAMESPACES, refuse),
        _op(_LOAD, _NUMBER),
        _op(_EQUAL, machine.socket, if_false=3),
        _op(_LOAD, _FIRST_ARGUMENT),
        _op(_EQUAL, _AF_UNIX, if_true=1),
        _op(_RETURN, _ERRNO | errno.EAFNOSUPPORT),
        _op(_RETURN, _ALLOW),
    ]
    return program


def _when(test: int, value: int, answer: bytes) -> list[bytes]:
    return [_op(test, value, if_false=1), answer]


def _op(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    """One `struct sock_filter`; the jumps count instructions to skip."""
    return struct.pack("HBBI", code, if_true, if_false, value)
