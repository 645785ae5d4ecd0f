"""The processor as a process may use it: cores by affinity and control group, and what it has for eight-bit networks.

A container's ``--cpuset-cpus`` and ``taskset`` show in the affinity, ``--cpus`` and Kubernetes' limits in the quota of
its control group (Documentation/admin-guide/cgroup-v2.rst, ``cpu.max``; Documentation/scheduler/sched-bwc.rst for
version 1).  ``os.cpu_count`` knows neither.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface.errors import ConfigurationError

CORES: Final = "ENDFACE_CORES"
"""How many cores to use; unset or empty: what affinity and quota allow."""

_INSTRUCTIONS: Final = {
    "VNNI": {"avx512_vnni", "avx_vnni"},
    "AVX-512": {"avx512f"},
    "AVX2": {"avx2"},
}
"""What the eight-bit convolutions run on, the fastest first, by the kernel's names (``flags`` in /proc/cpuinfo)."""


@dataclass(frozen=True)
class Processor:
    """What a process may use.

    Attributes:
        affinity: cores that it may run on.
        quota: cores that its control group may keep busy at a time; None without a quota.
        instructions: the best that the processor has for eight-bit networks; empty where it has none of them.
    """

    affinity: int
    quota: float | None = None
    instructions: str = ""

    @property
    def cores(self) -> int:
        """Threads that can work at a time; the rest of a quota counts as one that works in turns."""
        return max(1, math.ceil(min(self.affinity, self.quota or self.affinity)))

    def __str__(self) -> str:
        quota = "no quota" if self.quota is None else f"a quota of {self.quota:g}"
        return f"{self.affinity} core{'s' * (self.affinity != 1)}, {quota}, {self.instructions or 'no AVX2'}"


def find(root: Path = Path("/"), affinity: int | None = None) -> Processor:
    """The processor as this process may use it.

    Args:
        root: where /proc and /sys are.
        affinity: cores that the process may run on; None asks the kernel.
    """
    return Processor(affinity or len(os.sched_getaffinity(0)), min(_quotas(root), default=None), _instructions(root))


def cores_named() -> int | None:
    """The number of cores that ENDFACE_CORES names; None where it names none.

    Raises:
        ConfigurationError: it is no whole number from 1 on.
    """
    text = os.environ.get(CORES, "")
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"{CORES} is {text!r}; set it to a whole number of cores, or unset it")
    return int(text)


def usable_cores() -> int:
    """Cores that work in this process may be spread over: those that ENDFACE_CORES names, or what there is.

    Raises:
        ConfigurationError: as ``cores_named`` says.
    """
    return cores_named() or find().cores


def _quotas(root: Path) -> Iterator[float]:
    """Quotas of the process's control group and of all above it, in cores; the smallest holds."""
    with contextlib.suppress(OSError):  # no control groups
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            for mount in ("cpu", "cpu,cpuacct") if controllers else ("", "unified"):
                top = root / "sys/fs/cgroup" / mount
                # In a container the path may be the one outside; its own group is then the top, which is read, too.
                group = top / path.lstrip("/")
                for folder in (group, *(each for each in group.parents if each.is_relative_to(top))):
                    yield from _quota(folder)


def _quota(folder: Path) -> Iterator[float]:
    """The quota of one control group, of either version, if it has one."""
    with contextlib.suppress(OSError, ValueError):  # "max" is no number
        quota_us, period_us = (folder / "cpu.max").read_text(encoding="utf-8").split()
        yield int(quota_us) / int(period_us)
    with contextlib.suppress(OSError, ValueError):
        quota = int((folder / "cpu.cfs_quota_us").read_text(encoding="utf-8"))
        if quota > 0:  # -1 is none
            yield quota / int((folder / "cpu.cfs_period_us").read_text(encoding="utf-8"))


def _instructions(root: Path) -> str:
    with contextlib.suppress(OSError):
        for line in (root / "proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("flags"):
                flags = set(line.partition(":")[2].split())
                return next((name for name, any_of in _INSTRUCTIONS.items() if flags & any_of), "")
    return ""
