"""Why a network that has learned should not serve."""

from __future__ import annotations

from collections.abc import Mapping

from endface_build.learn.compare import Comparison


def reasons_against(
    sets: Mapping[str, Comparison], gage: tuple[int, int] | None, *, new: tuple[str, ...]
) -> tuple[str, ...]:
    """Why a candidate should not serve, in sentences.

    Args:
        sets: both networks on each set.
        gage: unmarked flips of both when pictures are taken again.
        new: names of the sets of reviewed pictures: something must be better on them, and no fewer verdicts right.
    """
    against = []
    for name, comparison in sets.items():
        for figure, change in comparison.changes.items():
            if change.is_worse(figure):
                against.append(
                    f"on {name} its {figure.replace('_', ' ')} is surely worse: {change.after:.1%} after "
                    f"{change.before:.1%}"
                )
    if new and not any(change.is_better(figure) for name in new for figure, change in sets[name].changes.items()):
        against.append("nothing is better on the reviewed parts that were put aside")
    for name in new:
        verdict = sets[name].changes["verdict"]
        if (verdict.after or 0.0) < (verdict.before or 0.0):
            against.append(f"on {name} fewer verdicts are right: {verdict.after:.1%} after {verdict.before:.1%}")
    if gage is not None and gage[1] > gage[0]:
        against.append(f"more verdicts flip unmarked when a part is taken again: {gage[1]} after {gage[0]}")
    return tuple(dict.fromkeys(against))
