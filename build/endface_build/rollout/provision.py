"""A repository with a plan for the GPU at hand, for a container's first start: models by links, plans on a volume.

An image's models are read-only and its GPU is not known before it runs, so the plan is built where the server will be
and kept on a volume.  Triton wants plan and network in one folder: the volume gets a repository of its own whose files
are links into the image's, plans excepted.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from endface import contract
from endface.engines.manifest import MANIFEST_FILE, identify, newest_version
from endface.engines.plan import PLAN_FILE, PLAN_MANIFEST, PlanManifest, Precision, open_plan
from endface.engines.tensorrt_library import Machine, Runtime
from endface.errors import ConfigurationError, PlanError
from endface_build.export.build_plan import BATCHES, build_plan, profile_of
from endface_build.rollout.versions import WITHDRAWN, lock

_OWN_FILES: Final = (PLAN_FILE, PLAN_MANIFEST)
"""What this machine makes itself; a plan that lies in the source was built elsewhere."""

Build = Callable[..., PlanManifest]


def provision(  # noqa: PLR0913 - each is a choice of its own, and all but the first three have a default
    source: Path,
    target: Path,
    runtime: Runtime,
    *,
    precision: Precision = "fp16",
    batches: Sequence[int] = BATCHES,
    progress: Callable[[str], None] = lambda _: None,
    build: Build = build_plan,
) -> PlanManifest:
    """Make a repository that can be served here: build the newest version's plan unless the one that is there fits.

    Several at once on one volume wait for each other; the first one builds.

    Args:
        source: The model repository; it is only read.
        target: Folder for the repository with the plan; made if missing.
        runtime: The library that will run the plan.
        precision: What the convolutions shall compute in.
        batches: Smallest, usual and largest batch.
        progress: Called with each step as it begins.
        build: Builds a plan into a version's folder.

    Returns:
        The plan's manifest.

    Raises:
        ConfigurationError: The source is no repository, or the runtime is not installed.
        PlanError: The plan cannot be built, or the target cannot be written.
    """
    with ExitStack() as stack:
        with _writing(target):
            target.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock(target, lambda: progress("waiting for another job on this volume")))
            link(source, target)
        segment = target / contract.SEGMENT.name
        folder = segment / str(newest_version(segment))
        try:
            manifest = _fitting(folder, runtime, precision, batches)
        except PlanError as exc:
            progress(f"building a plan: {exc}")
            return build(folder, runtime, precision, batches=batches, progress=progress)
    progress("the plan that is there fits")
    return manifest


def link(source: Path, target: Path) -> None:
    """Make a repository of links, or bring it up to date.

    Versions that left the source go; those that a promotion wrote into the target stay, those that it withdrew there
    do not come back.

    Args:
        source: The model repository.
        target: Folder for the links.

    Raises:
        ConfigurationError: The source is no repository.
        OSError: The target cannot be written.
    """
    missing = [model.name for model in contract.MODELS if not (source / model.name / "config.pbtxt").is_file()]
    if missing:
        raise ConfigurationError(f"{source} is no model repository of endface: name it with --repository.")
    source = source.resolve()
    segment = contract.SEGMENT.name
    for model in contract.MODELS:
        if model.name != segment:
            _link(source / model.name, target / model.name)
    (target / segment).mkdir(exist_ok=True)
    for entry in (source / segment).iterdir():
        if not entry.name.isdigit() and not entry.name.startswith("."):
            _link(entry, target / segment / entry.name)
    _link_versions(source / segment, target / segment)


def _link_versions(source: Path, target: Path) -> None:
    """Each version a folder of its own, for its plan; its files are links."""
    numbers = {entry.name for entry in source.iterdir() if entry.name.isdigit()}
    for number in numbers:
        if not (target / f"{WITHDRAWN}{number}").exists():
            (target / number).mkdir(exist_ok=True)
            for file in (source / number).iterdir():
                if file.is_file() and file.name not in _OWN_FILES:
                    _link(file, target / number / file.name)
    for version in target.iterdir():
        was_linked = version.name.isdigit() and (version / MANIFEST_FILE).is_symlink()
        if was_linked and version.name not in numbers:
            shutil.rmtree(version)


def _link(source: Path, target: Path) -> None:
    """A link, made by one rename; one that is right already is left alone."""
    if target.is_symlink() and target.readlink() == source:
        return
    aside = target.with_name(f".{target.name}.link")
    aside.unlink(missing_ok=True)
    aside.symlink_to(source)
    aside.replace(target)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Turn errors of writing into a sentence on what the volume needs."""
    try:
        yield
    except OSError as exc:
        raise PlanError(
            f"No repository can be made in {target}: {exc.strerror}. Mount a volume there that may be written."
        ) from exc


def _fitting(folder: Path, runtime: Runtime, precision: Precision, batches: Sequence[int]) -> PlanManifest:
    """The plan that is there, if nothing about it is to be changed.

    Raises:
        PlanError: There is none, or something is.
    """
    machine = Machine.here(runtime)
    # Without a GPU a plan for RTX is compiled for the machines that have one: which card it meets, the server sees.
    card = machine.gpu or "a card that is not here"
    onnx_sha256 = identify(folder, runtime).sha256
    manifest = open_plan(folder, replace(machine, gpu=card), onnx_sha256)
    if manifest.precision != precision:
        raise PlanError(f"The plan computes in {manifest.precision}, {precision} is wanted.")
    if manifest.profiles != (profile_of(batches),):
        raise PlanError("The plan takes other batches than are wanted.")
    if machine.gpu is not None and not manifest.verified:
        raise PlanError(f"The plan never ran on a GPU; {machine.gpu} is here to prove it.")
    return manifest
