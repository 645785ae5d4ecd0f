"""What became of many hostile pictures or requests: counted, kept in a file, and continued from there."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

from endface.errors import ConfigurationError
from endface.files import write_whole
from endface_build.provenance import provenance

_ROOT: Final = Path(__file__).parents[2]
_PACKAGES: Final = ("numpy", "opencv-python-headless", "pillow", "nvidia-pytriton", "tritonclient", "grpcio")
_FUZZED: Final = ("src", "model_repository", "tests/security/*.py")


@dataclass(frozen=True)
class Outcome:
    """What became of one.

    Attributes:
        number: Its place in the series.
        code: ``judged``, or the code of the problem or refusal.
        seconds: How long it took; whoever counts says by which clock.
        is_finding: Whether that must not be.
    """

    number: int
    code: str
    seconds: float = 0.0
    is_finding: bool = False


@dataclass
class Tally:
    """What became of all of a series so far.

    Attributes:
        kind: ``pictures`` or ``requests``.
        seed: Names the series.
        counts: How many ended in which way.
        findings: Those that must not be.
        slowest: The one that took longest.
        seconds: By the clock, all together.
        origins: Commit, time and versions, one for each that took part.
    """

    kind: str
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Outcome] = field(default_factory=list)
    slowest: Outcome = Outcome(-1, "none")
    seconds: float = 0.0
    origins: list[dict[str, Any]] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many there were."""
        return self.counts.total()

    @classmethod
    def of(cls, kind: str, seed: int, record: Path | None) -> Self:
        """The one that is in a file, or a new one.

        Raises:
            ConfigurationError: The file is that of another series.
        """
        origin = _origin()
        if record is None or not record.exists():
            return cls(kind, seed, origins=[origin])
        values = json.loads(record.read_text(encoding="utf-8"))
        if (values["kind"], values["seed"]) != (kind, seed):
            raise ConfigurationError(f"{record} counts {values['kind']} of seed {values['seed']}; name another file")
        origins = values.pop("origins")
        if origins[-1]["commit"] != origin["commit"]:
            origins.append(origin)
        values.pop("done")
        slowest, findings = Outcome(**values.pop("slowest")), [Outcome(**each) for each in values.pop("findings")]
        return cls(
            **values | {"counts": Counter(values["counts"])}, slowest=slowest, findings=findings, origins=origins
        )

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.counts[outcome.code] += 1
        self.slowest = max(self.slowest, outcome, key=lambda each: each.seconds)
        if outcome.is_finding:
            self.findings.append(outcome)

    def write(self, record: Path) -> None:
        """Keep it in a file, to go on from there."""
        values = vars(self) | {"done": self.done, "counts": dict(self.counts.most_common())}
        text = json.dumps(values, default=vars, indent=2)
        write_whole(record, (text + "\n").encode())

    def lines(self) -> Iterator[str]:
        """In words."""
        for code, count in self.counts.most_common():
            yield f"{count:9,}  {code}"
        yield (
            f"{self.done:,} {self.kind} of seed {self.seed} in {self.seconds:.0f} s; the slowest, "
            f"{self.slowest.number}, took {self.slowest.seconds * 1000:.0f} ms; {len(self.findings)} findings"
        )


def _origin() -> dict[str, Any]:
    packages = {name: version(name) for name in _PACKAGES}
    return provenance(_ROOT, *_FUZZED) | {"python": platform.python_version(), "versions": packages}
