"""One way from reviewed cases to a version that serves, or to the reasons why it does not.

reviews -> labels -> split by part -> fine-tuning from the network that serves -> export, eight bits
-> both networks on old and new pictures -> repeatability -> promotion with its gates
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from endface.errors import ConfigurationError, RolloutError
from endface.options import Options
from endface.picture.decode import decode
from endface.review.case import Case
from endface_build.data.label_folder import open_folder
from endface_build.evaluation import golden, repeatability
from endface_build.evaluation.false_passes import JudgedSet, drawn_sets
from endface_build.evaluation.inspector import with_network
from endface_build.evaluation.repeated_parts import PhotographedPart
from endface_build.learn.compare import Comparison, Counts, Pair, compare, counts, judge
from endface_build.learn.gates import reasons_against
from endface_build.learn.retrain import retrain
from endface_build.learn.reviewed import Split, split
from endface_build.learn.settings import Progress, Settings
from endface_build.manifest import MODEL_FILE
from endface_build.rollout.promote import Promotion, promote
from endface_build.rollout.servers import NO_SERVERS, Servers
from endface_build.rollout.versions import Versions

Retrain = Callable[[Split, Path, Settings, Progress], tuple[Path, tuple[str, ...]]]
"""``retrain``, or what stands in for it."""


@dataclass(frozen=True)
class Learned:
    """What came of it.

    Attributes:
        split: the reviewed cases on both sides.
        skipped: a sentence for each learned picture that could not be used.
        candidate: the folder of the new network.
        sets: both networks on each set, by its name.
        gage: the unmarked flips of each network when pictures are taken again; None where none was judged.
        differing: pictures on which they differ, with the set's name.
        against: why it is not promoted; empty where nothing speaks against it.
        promotion: the new version; None where it was not promoted.
    """

    split: Split
    skipped: tuple[str, ...]
    candidate: Path
    sets: dict[str, Comparison]
    gage: tuple[int, int] | None
    differing: tuple[tuple[str, Pair], ...]
    against: tuple[str, ...]
    promotion: Promotion | None = None


def learn(  # noqa: PLR0913 - the last ones are by keyword
    cases: Iterable[Case],
    versions: Versions,
    settings: Settings,
    progress: Progress,
    *,
    labelled: Path | None = None,
    profile: str = "",
    servers: Servers = NO_SERVERS,
    make: Retrain = retrain,
) -> Learned:
    """Learn from reviewed cases, and promote the network if nothing speaks against it.

    Args:
        cases: any cases; those whose reviews say what is right are used.
        versions: the repository's.
        settings: how.
        progress: called with what is being done, the number of all steps, and the number done.
        labelled: an older folder of labelled pictures, on which the candidate may not be worse.
        profile: by which pictures are judged; empty for that of each reviewed case, and the first of these for older
            pictures.
        servers: those that must have loaded a promoted version in the end.
        make: makes the candidate.

    Raises:
        ConfigurationError: too few cases are reviewed, or a file is missing or broken.
    """
    sides = split(cases)
    _refuse_empty(sides)
    serving = versions.path(versions.newest)
    candidate, skipped = make(sides, serving, settings, progress)
    networks = serving / MODEL_FILE, candidate / MODEL_FILE
    by_profile = {each: sides.held_out.of_profile(each) for each in sides.held_out.profiles}
    chosen = {profile: sides.held_out} if profile else by_profile
    new = {f"reviewed, {each}": JudgedSet(pictures, each) for each, pictures in chosen.items()}
    old = drawn_sets(settings.faces)
    if labelled is not None:
        old[str(labelled)] = JudgedSet(open_folder(labelled), next(iter(chosen)))
    sets, differing = {}, []
    parts = sides.held_out.parts
    options = Options("", cladding_um=settings.cladding_um, any_core=True)
    for name, judged in (new | old).items():
        rows: list[tuple[str, Counts, Counts]] = []
        for pair in judge(judged, networks, lambda picture: parts.get(picture, picture), options):
            rows.append((pair.part, counts(pair.before), counts(pair.after)))
            differing += [(name, pair)] if pair.differs else []
            progress(f"judging {name}", len(judged.pictures), len(rows))
        sets[name] = compare(rows)
    gage = _gage(new, networks, settings, progress)
    against = reasons_against(sets, gage, new=tuple(new))
    learned = Learned(sides, skipped, candidate, sets, gage, tuple(differing), against)
    if against or not settings.promotes:
        return learned
    return _promoted(learned, versions, new | old, new, servers, accept_flips=settings.accept_flips)


def _refuse_empty(sides: Split) -> None:
    for name, side in {"learn from": sides.learned, "judge on": sides.held_out}.items():
        if not len(side):
            reasons = "; ".join(f"{count}: {reason}" for reason, count in sides.left_out.items()) or "none"
            raise ConfigurationError(
                f"There is no reviewed part to {name}: review more cases of more parts. Used are "
                f"{len(sides.learned)} to learn from and {len(sides.held_out)} to judge on; left out are {reasons}."
            )


def _gage(
    new: dict[str, JudgedSet], networks: tuple[Path, Path], settings: Settings, progress: Progress
) -> tuple[int, int] | None:
    """Unmarked flips of both networks on held-out pictures that are taken again."""
    flips = [0, 0]
    judged_parts = 0
    for judged in new.values():
        photographs = [PhotographedPart(each.name, decode(each.data).gray) for each in judged.pictures]
        chosen = photographs[: settings.gage_parts]
        options = Options(judged.profile, cladding_um=settings.cladding_um, any_core=True)
        for place, network in enumerate(networks):
            what = f"repeating, {'candidate' if place else 'serving'}"
            result = repeatability.study(
                chosen,
                with_network(network, options),
                repeats=settings.gage_repeats,
                progress=partial(progress, what, len(chosen)),
            )
            judged_parts += result["parts"]
            flips[place] += sum(values["flips_not_borderline"] for values in result["conditions"].values())
    return (flips[0], flips[1]) if judged_parts else None


def _promoted(  # noqa: PLR0913 - what a promotion takes
    learned: Learned,
    versions: Versions,
    sets: dict[str, JudgedSet],
    changed: dict[str, JudgedSet],
    servers: Servers,
    *,
    accept_flips: bool,
) -> Learned:
    """Promote the candidate; the gates of promotion may give a reason against it."""
    try:
        promotion = promote(
            learned.candidate / MODEL_FILE,
            versions,
            golden.drawn(),
            labelled=sets,
            changed=changed,
            servers=servers,
            accept_flips=accept_flips,
        )
    except RolloutError as exc:
        return replace(learned, against=(str(exc),))
    return replace(learned, promotion=promotion)
