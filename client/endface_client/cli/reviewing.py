"""``endface inspect --review``: outcomes that a person should look at are kept, and a candidate judges them as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from endface.options import Options
from endface.review.keeper import ReviewSettings, keeping
from endface_client.cli.recording import Recorded, Warn
from endface_client.outcome import Outcome


@contextmanager
def reviewing(settings: ReviewSettings | None, options: Options, warn: Warn, *, after: Recorded) -> Iterator[Recorded]:
    """A function that keeps what should be reviewed.

    Args:
        settings: what is kept, and where; None for nothing.
        options: what reports do not say of how they were judged.
        warn: shows a sentence: what the candidate found, after a run that came to its end.
        after: records an outcome, before it is kept.

    Raises:
        EndfaceError: the candidate cannot be loaded; the function raises ReviewError where a case cannot be written.
    """
    found: list[str] = []
    with keeping(settings, options, found.append) as keeper:

        def keep(outcome: Outcome) -> Outcome:
            outcome = after(outcome)
            for each in outcome.fibers or (outcome,):
                if keeper and each.report and each.data:
                    keeper.keep(each.report, each.data)
            return outcome

        yield keep
    for sentence in found:
        warn(sentence)
