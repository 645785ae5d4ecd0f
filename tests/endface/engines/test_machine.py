"""What a machine has is asked of the machine; what it has not is none."""

from __future__ import annotations

import stat

import pytest

from endface.engines.machine import Machine


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """Put a script in the place of ``nvidia-smi``."""

    def install(script):
        path = tmp_path / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return install


def test_machine_with_gpus(smi):
    """The first GPU's name, architecture and driver are the machine's."""
    smi('echo "NVIDIA L4, 8.9, 580.65.06"; echo "NVIDIA T4, 7.5, 580.65.06"')
    machine = Machine.here("tensorrt")

    assert (machine.gpu, machine.compute_capability, machine.driver) == ("NVIDIA L4", "8.9", "580.65.06")


@pytest.mark.parametrize(
    "script", ["exit 9", "echo No devices were found", 'echo "Unable to determine" >&2; exit 255', ":"]
)
def test_machine_without_gpus(smi, script):
    """Where ``nvidia-smi`` fails or lists nothing there is no GPU."""
    smi(script)
    machine = Machine.here("tensorrt")

    assert (machine.gpu, machine.compute_capability, machine.driver) == (None, None, None)


def test_machine_without_driver(tmp_path, monkeypatch):
    """Where there is no ``nvidia-smi`` there is no GPU."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert Machine.here("tensorrt").gpu is None
