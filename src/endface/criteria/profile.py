"""Profiles: the limits of a standard as data, one TOML file each, named by the file.

A profile is checked to the last key: a misspelled limit would not be applied.  What is smaller
than the first row is not limited; sizes between or above the rows that no row covers are refused.
Those that are shipped are read only as they were released: ``SHA256SUMS`` lies beside them.  A process reads a folder
and each profile once, so a change takes a restart; the sum of what was read stands in the report.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

from endface import files
from endface.criteria.limits import Interval
from endface.criteria.toml_table import TomlTable
from endface.criteria.zone_limits import ZoneLimits, read_interval, read_zones
from endface.defects.shapes import SizeDefinition
from endface.defects.zones import Zone
from endface.errors import BadParameterError, ConfigurationError, UnknownProfileError
from endface.report import Criteria, Scope

CoreRule = Literal["required", "expected", "optional"]

UNCERTAINTY_UM: Final = 0.5
"""Default of ``uncertainty_um``, a pixel of the square: either edge of a defect may be half a pixel off."""

_SHIPPED: Final = Path(__file__).parent / "profiles"
_SUMS: Final = _SHIPPED / "SHA256SUMS"  # `sha256sum *.toml >SHA256SUMS` renews it
_OWN: Final = "own"
"""Status of a profile that is not the file that was released, whatever its text says."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]*")
_TEXTS: Final = ("standard", "edition", "source")


@dataclass(frozen=True)
class Profile:
    """The limits of one table of one edition, and how far they can be trusted.

    Attributes:
        criteria: what the report says of it.
        size: what a defect's size is.
        uncertainty_um: how far a measured size may be off at least.
        assumptions: sentences on what the table leaves open and this profile decides.
        rows: the zones with their limits, from inside out.
        core_um: diameters of the cores that the limits are for; None where any will do.
        core: what a picture in which no core is seen comes to: ``required`` refuses it, ``expected`` makes a pass of it
            borderline, ``optional`` says so in the report.
    """

    criteria: Criteria
    size: SizeDefinition
    uncertainty_um: float
    assumptions: tuple[str, ...]
    rows: tuple[ZoneLimits, ...]
    core_um: Interval | None = None
    core: CoreRule = "optional"

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.criteria.profile

    @property
    def zones(self) -> tuple[Zone, ...]:
        """Zones from inside out."""
        return tuple(row.zone for row in self.rows)

    @property
    def deciding_um(self) -> float:
        """The smallest size of a mark that fails a face by itself; infinite where none does."""
        return min(row.deciding_um for row in self.rows)

    def confined_to(self, zones: Sequence[str]) -> Profile:
        """The same zones with the limits of some of them only; of all where none is named.

        Raises:
            BadParameterError: it has no such zone, or limits nothing in those zones.
        """
        rows = tuple(
            row if not zones or row.zone.name in zones else replace(row, limits=(), judged=False) for row in self.rows
        )
        for name in zones:
            if name not in (zone.name for zone in self.zones):
                known = ", ".join(zone.name for zone in self.zones)
                raise BadParameterError(f"{self.name} has no zone {name[:64]!r}; name some of {known}, or all")
        if zones and not any(row.limited for row in rows):
            limited = ", ".join(row.zone.name for row in self.rows if row.limited)
            raise BadParameterError(
                f"{self.name} limits nothing in zone {', '.join(zones)}, so every face would pass there; "
                f"add some of {limited}"
            )
        return replace(self, rows=rows)

    def scope(self, zones: Sequence[str]) -> Scope:
        """Which of its zones are judged where a request names some, or none for all."""
        names = tuple(zone.name for zone in self.zones)
        return Scope(
            judged=tuple(name for name in names if not zones or name in zones),
            not_judged=tuple(name for name in names if zones and name not in zones),
        )


def profile_names(directory: Path | None = None) -> tuple[str, ...]:
    """Names of the profiles that are shipped, and of those in the user's directory.

    Raises:
        ConfigurationError: the directory is missing, or a file there takes the name of a shipped profile.
    """
    return tuple(sorted(_files(directory)))


def load_profile(name: str, directory: Path | None = None) -> Profile:
    """The profile of that name, as this process first read it.

    Args:
        name: a name out of ``profile_names``; it comes from a request, hence is never taken for a path.
        directory: where the user's own profiles lie.

    Raises:
        UnknownProfileError: there is none of that name.
        ConfigurationError: its file is broken.
    """
    path = _files(directory).get(name) if _NAME.fullmatch(name) else None
    if path is None:
        known = ", ".join(profile_names(directory))
        raise UnknownProfileError(f"no profile {name[:64]!r}; there are {known}")
    return _read_once(path)


def read_own(directory: Path) -> dict[str, bytes]:
    """The user's own profile files as they are now, by file name.

    Raises:
        ConfigurationError: the folder, or a file in it, cannot be read.
    """
    try:
        return {path.name: path.read_bytes() for path in _own_files(directory)}
    except OSError as exc:
        words = files.in_words(exc)
        raise ConfigurationError(f"the profiles in {directory} cannot be read: {words}; name another folder") from exc


def profile_sums(directory: Path | None = None) -> dict[str, str]:
    """SHA-256 of each profile's text by name, as reports give it.

    Raises:
        ConfigurationError: as ``profile_names``, or a profile is broken.
    """
    return {name: load_profile(name, directory).criteria.sha256 for name in profile_names(directory)}


def read_profile(path: Path) -> Profile:
    """Read and check one file.

    Raises:
        ConfigurationError: naming the file, the key and what is expected there.
    """
    try:
        _check_name(path)
        text = _text(path)
        sha256 = files.sha256(text.encode())
        released = _released_sums()
        if path.parent == _SHIPPED and released.get(path.name) != sha256:
            raise ValueError("it is not the file that was released; install endface anew, own limits have own names")
        profile = _profile(path.stem, tomllib.loads(text))
        status = profile.criteria.status if sha256 in released.values() else _OWN
        return replace(profile, criteria=replace(profile.criteria, status=status, sha256=sha256))
    except OSError as exc:
        raise ConfigurationError(f"profile {path} cannot be read: {files.in_words(exc)}") from exc
    except ValueError as exc:
        raise ConfigurationError(f"profile {path}: {exc}") from exc


def _text(path: Path) -> str:
    """A file's text without what editors and Git for Windows add to it: a byte-order mark, carriage returns."""
    return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")


def _released_sums() -> dict[str, str]:
    """SHA-256 of each shipped profile as it was released, by file name."""
    return {name: sha256 for sha256, name in map(str.split, _text(_SUMS).splitlines())}


_read_once = lru_cache(maxsize=64)(read_profile)


@lru_cache(maxsize=8)
def _files(directory: Path | None) -> dict[str, Path]:
    shipped = {path.stem: path for path in _SHIPPED.glob("*.toml")}
    if directory is None:
        return shipped
    own: dict[str, Path] = {}
    for path in _own_files(directory):
        if path.stem in shipped:
            raise ConfigurationError(f"profile {path}: {path.stem} is a shipped profile; give yours another name")
        if path.stem in own:
            raise ConfigurationError(f"profile {path}: {own[path.stem].name} is another one of that name; remove one")
        own[path.stem] = path
    return shipped | own


def _own_files(directory: Path) -> list[Path]:
    """The user's own profile files, sorted by name: TOML in capitals as well, hidden files never.

    Raises:
        ConfigurationError: there is no such folder, or a file in it has a name that no request could spell.
    """
    if not directory.is_dir():
        fault = "is a file; name the folder that it is in" if directory.exists() else "does not exist; name another one"
        raise ConfigurationError(f"the folder of profiles {directory} {fault} (--profiles, ENDFACE_PROFILES)")
    found = sorted(path for path in directory.iterdir() if path.suffix.lower() == ".toml" and path.name[0] != ".")
    for path in found:
        try:
            _check_name(path)
        except ValueError as exc:
            raise ConfigurationError(f"profile {path}: {exc}") from exc
    return found


def _check_name(path: Path) -> None:
    if not _NAME.fullmatch(path.stem):
        raise ValueError("its name must be small letters, digits, dots and dashes, such as plant-7.toml; rename it")


def _profile(name: str, values: dict[str, Any]) -> Profile:
    table = TomlTable(
        values, {*_TEXTS, "zones"}, {"status", "size", "uncertainty_um", "assumptions", "core_um", "core"}
    )
    size = table.value("size", "enclosing_circle")
    if size not in get_args(SizeDefinition):
        raise table.error("size", "expected 'enclosing_circle' or 'equivalent_area'")
    core = table.value("core", "optional")
    if core not in get_args(CoreRule):
        raise table.error("core", "expected 'required', 'expected' or 'optional'")
    assumptions = table.items("assumptions", "a list of sentences")
    if not all(isinstance(sentence, str) for sentence in assumptions):
        raise table.error("assumptions", "expected a list of sentences")
    rows = read_zones(table.items("zones", "a list of tables [[zones]]"))
    return Profile(
        criteria=Criteria(profile=name, status=table.text("status", _OWN), **{key: table.text(key) for key in _TEXTS}),
        size=size,
        uncertainty_um=table.um("uncertainty_um", UNCERTAINTY_UM),
        assumptions=tuple(assumptions),
        rows=rows,
        core_um=read_interval(table, "core_um") if table.value("core_um") is not None else None,
        core=core,
    )
