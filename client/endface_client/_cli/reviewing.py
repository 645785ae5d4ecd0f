"""``endface inspect --review``: outcomes that a person should look at are kept, and a candidate judges them as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from endface.options import Options
from endface.review.cases import Cases
from endface.review.shadow import Shadow
from endface_client._cli.recording import Recorded, Warn
from endface_client._outcome import Outcome


@contextmanager
def reviewing(  # noqa: PLR0913 - the last two are by keyword
    folder: Path | None,
    shadow: Path | None,
    options: Options,
    warn: Warn,
    *,
    everything: bool,
    after: Recorded,
) -> Iterator[Recorded]:
    """A function that keeps what should be reviewed.

    Args:
        folder: of the cases; None for none.
        shadow: the candidate's network file; None for none.
        options: what reports do not say of how they were judged.
        warn: shows a sentence: what the candidate found, at the end.
        everything: whether every outcome is kept.
        after: records an outcome, before it is kept.

    Raises:
        EndfaceError: the candidate cannot be loaded; the function raises ReviewError where a case cannot be written.
    """
    if folder is None:
        yield after
        return
    cases = Cases(folder)
    with ExitStack() as open_until_the_end:
        candidate = None
        if shadow is not None:
            candidate = open_until_the_end.enter_context(Shadow.of_file(cases, shadow, options))

        def keep(outcome: Outcome) -> Outcome:
            outcome = after(outcome)
            for each in outcome.fibers or (outcome,):
                if each.report is None or not each.data:
                    continue
                cases.keep(each.report, each.data, asked=everything)
                if candidate is not None:
                    candidate.offer(each.data, each.report)
            return outcome

        yield keep
    if candidate is not None:
        warn(candidate.tally.text)
