from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from endface.backend.served_version import ServedVersion
from endface.engines.catalog import named
from endface.engines.tensorrt_library import Machine
from endface.errors import ConfigurationError, PlanError

Write = Callable[..., Path]

ONNXRUNTIME = named("onnxruntime")


@pytest.fixture
def loaded() -> set[int]:
    """Versions that the server has loaded."""
    return {1}


@pytest.fixture
def served(tmp_path: Path, write_network: Write, loaded: set[int]) -> ServedVersion:
    """What is served from a folder with version 1."""
    write_network(tmp_path, version=1)
    return ServedVersion(tmp_path, ONNXRUNTIME, loaded.__contains__)


def test_new_version_is_named_once_it_is_loaded(
    served: ServedVersion, tmp_path: Path, write_network: Write, loaded: set[int]
) -> None:
    """While the server still loads a version, its forerunner draws the label maps, and is named."""
    write_network(tmp_path, version=2)
    assert served.info().version == "1"

    loaded.add(2)
    assert served.info().version == "2"


def test_withdrawn_version_is_named_until_the_former_is_loaded(
    served: ServedVersion, tmp_path: Path, write_network: Write, loaded: set[int]
) -> None:
    """After a rollback on disk the withdrawn version works on until the server has the former one again."""
    write_network(tmp_path, version=2)
    loaded.add(2)
    assert served.info().version == "2"

    loaded.remove(1)
    (tmp_path / "2").rename(tmp_path / "withdrawn-2")
    assert served.info().version == "2"

    loaded.add(1)
    assert served.info().version == "1"


def test_server_is_asked_once_for_each_change(tmp_path: Path, write_network: Write) -> None:
    """A report costs no question while nothing changes."""
    write_network(tmp_path, version=1)
    asked: list[int] = []
    served = ServedVersion(tmp_path, ONNXRUNTIME, lambda version: not asked.append(version))  # type: ignore[func-returns-value]  # None is falsy
    write_network(tmp_path, version=2)
    versions = [served.info().version for _ in range(3)]

    assert versions == ["2"] * 3
    assert asked == [2]


def test_version_withdrawn_while_it_is_looked_at(tmp_path: Path, write_network: Write) -> None:
    """A version that goes away between two looks costs no report."""
    write_network(tmp_path, version=1)

    def withdraw(version: int) -> bool:
        (tmp_path / str(version)).rename(tmp_path / f"withdrawn-{version}")
        return True

    served = ServedVersion(tmp_path, ONNXRUNTIME, withdraw)
    write_network(tmp_path, version=2)

    assert served.info().version == "1"


def test_loaded_version_without_a_manifest(
    served: ServedVersion, tmp_path: Path, write_network: Write, loaded: set[int]
) -> None:
    """A version that serves but cannot say what it is is a fault of the installation."""
    write_network(tmp_path, version=2).with_name("manifest.json").unlink()
    loaded.add(2)

    with pytest.raises(ConfigurationError, match=r"manifest\.json is missing"):
        served.info()


@pytest.mark.parametrize("gone", ["1", ""], ids=["last version", "repository"])
def test_loaded_network_is_named_when_its_files_are_gone(
    served: ServedVersion, tmp_path: Path, write_network: Write, loaded: set[int], gone: str
) -> None:
    """What is loaded goes on serving, and reports go on naming it, until there is a version again."""
    shutil.rmtree(tmp_path / gone)
    assert served.info().version == "1"

    write_network(tmp_path, version=2)
    loaded.add(2)
    assert served.info().version == "2"


def test_folder_is_listed_once_for_each_change(
    tmp_path: Path, write_network: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report costs no listing while nothing changes: on a network volume each is a round trip."""
    write_network(tmp_path, version=1)
    os.utime(tmp_path, ns=(1, 1))
    served = ServedVersion(tmp_path, ONNXRUNTIME, lambda _: True)
    listings: list[Path] = []
    iterdir = Path.iterdir

    def counted(path: Path) -> Iterator[Path]:
        listings.append(path)
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", counted)
    for _ in range(10):
        served.info()

    assert len(listings) == 1


def test_plan_of_another_machine_is_never_named(
    tmp_path: Path, write_network: Write, gpu: Machine, write_plan: Callable[..., object]
) -> None:
    """The stage does not load, so a server that was started past ``endface serve`` takes no requests either."""
    network = write_network(tmp_path)
    write_plan(network, Machine("tensorrt", gpu.runtime_version, "NVIDIA A10", "8.6", gpu.driver))

    with pytest.raises(PlanError, match="NVIDIA A10"):
        ServedVersion(tmp_path, named("tensorrt"), lambda _: True)
