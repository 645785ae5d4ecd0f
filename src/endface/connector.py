"""The verdict on a whole connector, out of the reports of its fibers.

Each fiber has a request and a report of its own.  ``first`` and ``further`` say what to ask, whoever asks: a client
over the network, or an ``Inspector`` in this process; ``inspect_fibers`` is the whole way for those that wait.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from endface.errors import SeveralFibersError
from endface.report import FoundFiber, Problem, Report, Scope, VerdictName

SCHEMA_VERSION: Final = "endface.connector/1"

_WORST_FIRST: Final[tuple[VerdictName, ...]] = ("fail", "invalid", "pass")
"""A failed fiber fails the connector whatever the others are; one that could not be judged keeps it from passing."""


@dataclass(frozen=True)
class ConnectorReport:
    """The verdict on a connector, and the report of each of its fibers.

    Attributes:
        verdict: the worst of the fibers' verdicts: fail, else invalid, else pass.
        fibers: their reports, in reading order or in that of the pictures.
        borderline: whether the verdict could be another one.
        reasons: why it does not pass, each sentence with the number of its fiber, counted from 1.
        error: why it does not pass as a whole: another number of fibers than it should have, or a picture twice.
        serial: the connector's serial number.
        scope: the zones that the verdict on every fiber is about, and those that it is not about for any.
    """

    verdict: VerdictName
    fibers: tuple[Report, ...]
    borderline: bool = False
    reasons: tuple[str, ...] = ()
    error: Problem | None = None
    serial: str = ""
    scope: Scope | None = None

    @property
    def scope_text(self) -> str:
        """Which zones the verdict is about, in words; empty where it is about all of the profile's."""
        return self.scope.text if self.scope else ""

    def __post_init__(self) -> None:
        """A connector without fibers, or with one that does not pass, never passes.

        Raises:
            ValueError: if it claims to be one.
        """
        if not self.fibers:
            raise ValueError("a connector has at least one fiber")
        if self.verdict == "pass" and (self.error or any(fiber.verdict != "pass" for fiber in self.fibers)):
            raise ValueError("a connector passes only if each of its fibers does")

    def to_json(self) -> str:
        """One line of JSON; ``fibers`` holds whole reports."""
        values = {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "scope": self.scope and vars(self.scope),
            "borderline": self.borderline,
            "reasons": self.reasons,
            "error": self.error and vars(self.error),
            "serial": self.serial,
        }
        head = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        return f'{head[:-1]},"fibers":[{",".join(fiber.to_json() for fiber in self.fibers)}]}}'

    @classmethod
    def from_json(cls, text: str | bytes) -> ConnectorReport:
        """Read back what ``to_json`` wrote.

        Raises:
            ValueError: not JSON, another schema, or a key is missing or wrong.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"not a report of schema {SCHEMA_VERSION}")
        try:
            return cls(
                verdict=values["verdict"],
                fibers=tuple(Report.from_json(json.dumps(fiber)) for fiber in values["fibers"]),
                borderline=values["borderline"],
                reasons=tuple(values["reasons"]),
                error=Problem(**values["error"]) if values["error"] else None,
                serial=values["serial"],
                scope=Scope(**{key: tuple(zones) for key, zones in values["scope"].items()})
                if values["scope"]
                else None,
            )
        except (KeyError, TypeError) as exc:
            raise ValueError(f"a report of schema {SCHEMA_VERSION} with a missing or wrong field: {exc}") from exc


@dataclass(frozen=True)
class Question:
    """One request: which picture, and which of its fibers; None for the only one."""

    picture: int
    fiber: int | None = None


def inspect_fibers(
    pictures: int, ask: Callable[[Sequence[Question]], Sequence[Report]], fiber_count: int | None = None
) -> ConnectorReport:
    """Ask for every fiber of a connector.

    Args:
        pictures: how many there are: one of all fibers, or one of each.
        ask: gives the reports of some requests, in their order.
        fiber_count: as for ``judge_connector``.

    Raises:
        ValueError: there is no picture.
    """
    reports = ask(first(pictures))
    questions = further(reports)
    return judge_connector(reports, questions, ask(questions) if questions else (), fiber_count)


def first(pictures: int) -> list[Question]:
    """The first request about each picture of a connector, which names no fiber.

    Raises:
        ValueError: there is no picture.
    """
    if not pictures:
        raise ValueError("there is no picture of the connector; give one of all its fibers, or one of each")
    return [Question(picture) for picture in range(pictures)]


def further(reports: Sequence[Report]) -> list[Question]:
    """The requests that follow the first reports.

    Of a connector in one picture that is every fiber.  Of one picture for each fiber it is the only whole one, where
    others are cut off by the border; a picture of several whole ones stays without a verdict.
    """
    if len(reports) == 1:
        return [Question(0, fiber.number) for fiber in _unchosen(reports[0])]
    whole = {at: [fiber for fiber in _unchosen(report) if not fiber.cut_off] for at, report in enumerate(reports)}
    return [Question(at, fibers[0].number) for at, fibers in whole.items() if len(fibers) == 1]


def judge_connector(
    reports: Sequence[Report], asked: Sequence[Question], answers: Sequence[Report], fiber_count: int | None = None
) -> ConnectorReport:
    """The verdict on a connector.

    Args:
        reports: the first ones.
        asked: the requests that followed.
        answers: their reports, in the same order.
        fiber_count: how many fibers the connector has; None to take what the pictures show.
    """
    if len(reports) == 1 and asked:
        fibers = tuple(answers)
    else:
        followed = {question.picture: answer for question, answer in zip(asked, answers, strict=True)}
        fibers = tuple(followed.get(at, report) for at, report in enumerate(reports))
    error = None
    if len(reports) > 1 and len({report.image.sha256 for report in reports}) < len(reports):
        error = Problem(
            "repeated_picture",
            "two pictures are the very same, byte for byte, and a fiber was not looked at: is the camera frozen, or a "
            "file copied?",
        )
    if fiber_count is not None and len(fibers) != fiber_count:
        error = Problem(
            "fiber_count",
            f"the connector has {fiber_count} fibers, found: {len(fibers)}; check the field, the light and the focus",
        )
    verdicts: set[VerdictName] = {fiber.verdict for fiber in fibers} | ({"invalid"} if error else set())
    verdict = next(word for word in _WORST_FIRST if word in verdicts)
    reasons = [
        f"fiber {number}: {reason}"
        for word in _WORST_FIRST
        for number, fiber in enumerate(fibers, 1)
        for reason in fiber.reasons
        if fiber.verdict == word != "pass"
    ]
    decisive = [fiber.borderline for fiber in fibers if fiber.verdict == verdict]
    return ConnectorReport(
        verdict=verdict,
        fibers=fibers,
        borderline=all(decisive) if verdict == "fail" else verdict == "pass" and any(decisive),
        reasons=(*((error.message,) if error else ()), *reasons),
        error=error,
        serial=fibers[0].serial,
        scope=_scope(fibers),
    )


def _scope(fibers: Sequence[Report]) -> Scope | None:
    """The zones that are judged on every fiber, and the others."""
    scopes = [fiber.scope for fiber in fibers if fiber.scope]
    named = dict.fromkeys(zone for scope in scopes for zone in (*scope.judged, *scope.not_judged))
    judged = tuple(zone for zone in named if all(zone in scope.judged for scope in scopes))
    return Scope(judged, tuple(zone for zone in named if zone not in judged)) if scopes else None


def _unchosen(report: Report) -> Sequence[FoundFiber]:
    """The fibers among which the request should have chosen."""
    return report.fibers if report.error and report.error.code == SeveralFibersError.code else ()
