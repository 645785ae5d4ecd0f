"""A campaign of many hostile pictures or requests: counted, kept in a file, and continued from there."""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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


@dataclass(frozen=True)
class Campaign:
    """What is sent, and how.

    Attributes:
        program: The module that runs it.
        summary: What it is for.
        kind: ``pictures`` or ``requests``.
        part: So many at a time; what was done is kept behind each.
        workers: So many at once unless told otherwise.
        data: The bytes of one, by seed and number.
    """

    program: str
    summary: str
    kind: str
    part: int
    workers: int
    data: Callable[[int, int], bytes]

    def main(self, run: Callable[[Tally, range, int], None], arguments: Sequence[str] | None = None) -> int:
        """Run it as a command; ``run`` sends a part of the series by so many workers, and counts what became of it.

        Returns:
            The exit status: 1 if there is any finding.  Each finding is kept as a file.
        """
        wishes = self._parser().parse_args(arguments)
        tally = Tally.of(self.kind, wishes.seed, wishes.record)
        with contextlib.suppress(KeyboardInterrupt):  # whoever has waited long enough sees what there is
            for first in range(tally.done, wishes.count, self.part):
                began_s = time.monotonic()
                run(tally, range(first, min(first + self.part, wishes.count)), wishes.workers)
                tally.seconds += time.monotonic() - began_s
                if wishes.record:
                    tally.write(wishes.record)
        sys.stdout.writelines(f"{line}\n" for line in tally.lines())
        for finding in tally.findings:
            path = wishes.keep / f"{wishes.seed}-{finding.number}.{self.kind.removesuffix('s')}"
            write_whole(path, self.data(wishes.seed, finding.number))
            sys.stdout.write(f"{path}: {finding.code}\n")
        return 1 if tally.findings else 0

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog=f"python -m {self.program}", description=self.summary)
        parser.add_argument(f"--{self.kind}", dest="count", type=int, default=100_000)
        parser.add_argument("--seed", type=int, default=0, help="another one gives another series")
        parser.add_argument("--workers", type=int, default=self.workers, help="so many at a time")
        parser.add_argument("--keep", type=Path, default=Path("out/fuzz"), help="folder for findings")
        parser.add_argument("--record", type=Path, help="file that keeps what is done, which is not done again")
        return parser
