"""Promotion of a network to a version of the model repository, and rollback: each by one rename, after all checks.

    candidate -> copied aside, hash verified -> loads, speaks the contract -> golden pictures against the serving
    version -> renamed into place -> the servers, if named, have loaded it; else it is withdrawn again

A running ``endface serve`` loads what it finds and lets the former version finish its work: no request is lost.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from endface.engines.catalog import VARIANTS, network_file
from endface.engines.onnx_network import Network
from endface.errors import ConfigurationError, RolloutError
from endface.files import sha256_of
from endface_build.evaluation.agreement import Compared, compare_versions
from endface_build.evaluation.false_passes import JudgedSet, count_false_passes, refuse_more_false_passes
from endface_build.evaluation.golden import Golden
from endface_build.evaluation.unmarked_flips import count_unmarked_flips, refuse_more_unmarked_flips
from endface_build.export.quantize import FP32_FILE
from endface_build.manifest import MODEL_FILE, read_manifest, write_manifest
from endface_build.rollout.servers import NO_SERVERS, Servers
from endface_build.rollout.versions import Versions

_ADAPTER: Final = "model.py"
"""What Triton runs the network with; every version folder must hold it."""


@dataclass(frozen=True)
class Promotion:
    """A version that was promoted.

    Attributes:
        version: Its number.
        former: The version that it replaces.
        judged: What both say of the golden pictures.
    """

    version: int
    former: int
    judged: tuple[Compared, ...]


class FlippedError(RolloutError):
    """The candidate misjudges golden pictures, or judges them otherwise than the serving version.

    Attributes:
        judged: What both say of each golden picture.
    """

    def __init__(self, message: str, judged: Sequence[Compared]):
        super().__init__(message)
        self.judged = tuple(judged)


def promote(  # noqa: PLR0913 - all but the first three are optional and by keyword
    candidate: Path,
    versions: Versions,
    golden: Iterable[Golden],
    *,
    labelled: Mapping[str, JudgedSet] | None = None,
    changed: Mapping[str, JudgedSet] | None = None,
    servers: Servers = NO_SERVERS,
    accept_flips: bool = False,
) -> Promotion:
    """Make a network the newest version.

    Args:
        candidate: Its ``.onnx`` file; the manifest lies beside it.
        versions: The repository's.
        golden: Pictures that it must judge rightly, and as the serving version does.
        labelled: Labelled sets, by name, on none of which it may let more bad parts pass than the serving version.
        changed: Sets, by name, on none of which more of its verdicts may flip unmarked when their pictures are changed
            in pose, light, file and focus; each takes some 50 inspections a picture.
        servers: Those that must have loaded it in the end.
        accept_flips: Whether a verdict may change where the right one is not known.

    Raises:
        ConfigurationError: The candidate is missing, not the file of its manifest, or speaks another contract.
        FlippedError: It judges golden pictures otherwise than it should.
        RolloutError: It lets more bad parts pass or flips more often, another promotion is under way, the disk is full,
            or a server is not there or refuses it. In every case the former version goes on serving.
    """
    manifest = _manifest(candidate)
    servers.check_ready()
    with versions.locked():
        former, number = versions.newest, versions.next_number()
        with _new_folder(versions, number) as folder:
            _copy(candidate, manifest, versions.path(former), folder, number)
            files = versions.path(former) / MODEL_FILE, folder / MODEL_FILE
            judged = compare_versions(*files, golden).rows
            _refuse_flips(judged, accept_flips=accept_flips)
            refuse_more_false_passes(count_false_passes(*files, labelled or {}))
            refuse_more_unmarked_flips(count_unmarked_flips(*files, changed or {}))
            versions.publish(folder, number)
        try:
            servers.await_version(number)
        except RolloutError as exc:
            versions.withdraw(number)
            raise RolloutError(f"{exc} Version {number} is withdrawn, {former} goes on serving.") from exc
    return Promotion(number, former, judged)


def rollback(versions: Versions, *, servers: Servers = NO_SERVERS) -> tuple[int, int]:
    """Withdraw the newest version, so that the one before serves again.

    Args:
        versions: The repository's.
        servers: Those that must have followed in the end.

    Returns:
        The version that serves now, and the one withdrawn.

    Raises:
        RolloutError: There is none before, another promotion is under way, or a server is not there or does not follow.
        ConfigurationError: The version before is broken; nothing was changed.
    """
    servers.check_ready()
    with versions.locked():
        withdrawn, former = versions.newest, versions.before
        if former is None:
            raise RolloutError(
                f"Version {withdrawn} is the only one in {versions.folder}: there is nothing to go back to. "
                "Promote a better network instead."
            )
        Network(versions.path(former) / MODEL_FILE)
        versions.withdraw(withdrawn)
        try:
            servers.await_version(former)
        except RolloutError as exc:
            raise RolloutError(f"{exc} The repository is back at version {former} all the same.") from exc
    return former, withdrawn


def _manifest(candidate: Path) -> dict[str, Any]:
    if not candidate.is_file():
        raise ConfigurationError(f"No network in {candidate}: make one with `endface-build export`.")
    manifest = read_manifest(candidate.parent)
    if manifest["file"] != candidate.name:
        raise ConfigurationError(f"The manifest beside {candidate} describes {manifest['file']}: promote that file.")
    return manifest


@contextmanager
def _new_folder(versions: Versions, number: int) -> Iterator[Path]:
    """A folder to write the version into; removed unless it was published."""
    try:
        folder = versions.new_folder(number)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # gone if published; what stays, the next promotion removes
    except OSError as exc:
        raise RolloutError(
            f"Version {number} cannot be written into {versions.folder}: {exc.strerror}. Nothing was changed."
        ) from exc


def _copy(candidate: Path, manifest: dict[str, Any], former: Path, folder: Path, number: int) -> None:
    """Everything that a version consists of: network, its source in float, its variants, manifest and adapter."""
    files = {MODEL_FILE: (candidate, manifest["sha256"])}
    if "quantization" in manifest:
        files[FP32_FILE] = (candidate.with_name(FP32_FILE), manifest["quantization"]["from_sha256"])
    for name, (source, sha256) in files.items():
        if not source.is_file():
            raise ConfigurationError(f"{source} is missing beside {candidate}: make it with `endface-build quantize`.")
        shutil.copyfile(source, folder / name)
        if sha256_of(folder / name) != sha256:
            raise ConfigurationError(f"The copy of {source} is not the file of its manifest: check file and disk.")
    for engine in VARIANTS:
        with suppress(ConfigurationError):  # there is none, or it was made from another network
            found = network_file(candidate.parent, engine.name)
            made = shutil.copytree(found.parent, (folder / engine.file).parent)
            write_manifest(made, read_manifest(made) | {"version": str(number)})
    shutil.copyfile(former / _ADAPTER, folder / _ADAPTER)
    write_manifest(folder, manifest | {"version": str(number), "file": MODEL_FILE})


def _refuse_flips(judged: Sequence[Compared], *, accept_flips: bool) -> None:
    wrong = [row.name for row in judged if row.is_wrong]
    if wrong:
        raise FlippedError(f"The candidate misjudges golden pictures: {', '.join(wrong)}. Train a better one.", judged)
    flips = [row.name for row in judged if row.is_flip]
    if flips and not accept_flips:
        raise FlippedError(
            f"The candidate judges otherwise than the serving version: {', '.join(flips)}. "
            "Look at them; if the candidate is right, say --accept-flips.",
            judged,
        )
