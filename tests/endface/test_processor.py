from __future__ import annotations

from pathlib import Path

import pytest

from endface.errors import ConfigurationError
from endface.processor import Processor, find, usable_cores


def machine(root: Path, files: dict[str, str]) -> Path:
    """The files of /proc and /sys that are read, as some machine has them."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("affinity", "files", "cores"),
    [
        (1, {}, 1),
        (2, {}, 2),
        (8, {}, 8),
        (8, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        (8, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),  # 1.5 cores
        (8, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        (1, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "400000 100000\n"}, 1),
        (
            8,
            {
                "proc/self/cgroup": "0::/line.slice/endface.service\n",
                "sys/fs/cgroup/line.slice/endface.service/cpu.max": "600000 100000\n",
                "sys/fs/cgroup/line.slice/cpu.max": "300000 100000\n",
            },
            3,
        ),
        (
            8,
            {
                "proc/self/cgroup": "5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n",  # as it is called outside
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            2,
        ),
        (
            8,
            {
                "proc/self/cgroup": "1:cpu:/\n0::/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            8,
        ),
    ],
    ids=["1", "2", "8", "max", "1.5", "0.5", "affinity", "nested", "version 1", "version 1 without"],
)
def test_cores_are_what_affinity_and_quota_allow(
    tmp_path: Path, affinity: int, files: dict[str, str], cores: int
) -> None:
    """The smallest of them holds, on both versions of control groups; a part of a core counts as one."""
    assert find(machine(tmp_path, files), affinity).cores == cores


@pytest.mark.parametrize(
    ("flags", "instructions"),
    [
        ("fpu avx2 avx512f avx512_vnni", "VNNI"),
        ("fpu avx2 avx_vnni", "VNNI"),
        ("fpu avx2 avx512f", "AVX-512"),
        ("fpu avx avx2", "AVX2"),
        ("fpu avx", ""),
    ],
)
def test_instructions_are_the_best_for_eight_bits(tmp_path: Path, flags: str, instructions: str) -> None:
    """As the kernel names them."""
    root = machine(tmp_path, {"proc/cpuinfo": f"processor : 0\nflags\t\t: {flags}\n"})

    assert find(root, 1).instructions == instructions


def test_processor_in_words() -> None:
    """What the log says of it."""
    assert str(Processor(8, 1.5, "AVX2")) == "8 cores, a quota of 1.5, AVX2"
    assert str(Processor(1)) == "1 core, no quota, no AVX2"


def test_named_cores_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """ENDFACE_CORES overrides what was found; empty, it does not."""
    monkeypatch.setenv("ENDFACE_CORES", "3")
    assert usable_cores() == 3
    monkeypatch.setenv("ENDFACE_CORES", "")
    assert usable_cores() == find().cores


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "all"])
def test_cores_that_are_no_number_are_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Whatever else is named would be a guess."""
    monkeypatch.setenv("ENDFACE_CORES", value)

    with pytest.raises(ConfigurationError, match=r"ENDFACE_CORES is .*whole number"):
        usable_cores()
