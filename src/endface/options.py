"""The parameters of a request, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from endface.contract import CLADDING_UM, META_PREFIX, MOST_FIBERS, PARAMETERS
from endface.criteria.profile import Profile, load_profile, profile_names
from endface.errors import BadParameterError, UnknownProfileError

CLADDING_RANGE_UM: Final = (50.0, 1000.0)
"""Cladding diameters that a request may name: from thin sensor fibers to large-core power fibers."""

SCALE_RANGE_UM: Final = (0.01, 10.0)
"""Scales in micrometers per pixel that a request may name."""

ALL_ZONES: Final = "all"
"""Value of ``zones`` for all zones of the profile, where a server was started with fewer."""

_WISHES: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}

MAX_PARAMETER_CHARS: Final = 65_536
"""Names and values of a request's parameters together: they travel with the picture through every stage."""


@dataclass(frozen=True)
class Options:
    """The parameters of a request.

    Attributes:
        profile: name of the profile to judge by.
        cladding_um: the fiber's cladding diameter, which gives the scale.
        um_per_px: scale of the camera (geometric mean of x and y) instead of the one from the cladding.
        fiber: number of the fiber in a picture of several, from 1 in reading order; None where there is one.
        zones: names of the profile's zones to judge, from inside out; empty for all of them.
        screen: whether a picture that is too coarse to pass is searched for large defects.
        any_core: whether a core of another kind of fiber than the profile's is overlooked.
        serial: the part's serial number, echoed.
        name: the picture's name, echoed.
        meta: further values, echoed.
        profiles: folder with the user's own profiles beside those of endface.
    """

    profile: str
    cladding_um: float = CLADDING_UM
    um_per_px: float | None = None
    fiber: int | None = None
    serial: str = ""
    name: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    profiles: Path | None = None
    zones: tuple[str, ...] = ()
    screen: bool = False
    any_core: bool = False

    @classmethod
    def from_parameters(
        cls,
        parameters: Mapping[str, str | int | float | bool],
        default_profile: str = "",
        profiles: Path | None = None,
    ) -> Options:
        """Read a request's parameters; numbers may come as strings.

        Raises:
            UnknownProfileError: no profile is named and there is no default, or there is none of that name.
            BadParameterError: a parameter that does not exist, has a wrong type or lies out of range; a zone that the
                profile does not have or does not limit; or all of them together are too long.
        """
        length = sum(len(key) + len(str(value)) for key, value in parameters.items())
        if length > MAX_PARAMETER_CHARS:
            raise BadParameterError(
                f"the request's parameters have {length:,} characters, at most {MAX_PARAMETER_CHARS:,} are taken; "
                "keep long texts elsewhere, under the part's serial number"
            )
        meta = {key[len(META_PREFIX) :]: str(value) for key, value in parameters.items() if key.startswith(META_PREFIX)}
        own = {key: value for key, value in parameters.items() if not key.startswith(META_PREFIX)}
        for key in own:
            if key not in PARAMETERS:
                raise BadParameterError(f"there is no parameter {key!r}; known are {', '.join(PARAMETERS)} and meta.*")
        profile = str(own.get("profile", "") or default_profile)
        if not profile:
            names = ", ".join(profile_names(profiles))
            raise UnknownProfileError(
                "the request names no profile and there is no default; name one with --profile, in a program with "
                f"profile=: {names}"
            )
        zones = _zones(own.get("zones", ""), load_profile(profile, profiles))
        scale, fiber = own.get("um_per_px"), own.get("fiber")
        return cls(
            profile=profile,
            cladding_um=_number("cladding_um", own.get("cladding_um", CLADDING_UM), CLADDING_RANGE_UM),
            um_per_px=None if scale is None else _number("um_per_px", scale, SCALE_RANGE_UM),
            fiber=None if fiber is None else _fiber_number(fiber),
            serial=str(own.get("serial", "")),
            name=str(own.get("name", "")),
            meta=meta,
            profiles=profiles,
            zones=zones,
            screen=_wish("screen", own.get("screen", False)),
            any_core=_wish("any_core", own.get("any_core", False)),
        )


def _fiber_number(value: str | int | float | bool) -> int:
    numbers = {str(number): number for number in range(1, MOST_FIBERS + 1)}
    if str(value) not in numbers:
        raise BadParameterError(f"fiber is {value!r}, it must be a whole number from 1 to {MOST_FIBERS}")
    return numbers[str(value)]


def _zones(value: str | int | float | bool, profile: Profile) -> tuple[str, ...]:
    """The zones in ``A,B``, from inside out; none for ``all`` and where all are named."""
    text = str(value).strip()
    if text.lower() in ("", ALL_ZONES):
        return ()
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    judged = tuple(row.zone.name for row in profile.confined_to(wanted).rows if row.judged)
    return () if len(judged) == len(profile.rows) else judged


def _wish(key: str, value: str | int | float | bool) -> bool:
    """A yes or no, as a text or as it is."""
    answer = _WISHES.get(str(value).lower())
    if answer is None:
        raise BadParameterError(f"{key} is {value!r}, it must be true or false")
    return answer


def _number(key: str, value: str | int | float | bool, bounds: tuple[float, float]) -> float:
    low, high = bounds
    try:
        number = float(value)
    except ValueError as exc:
        raise BadParameterError(f"{key} is {value!r}, it must be a number from {low:g} to {high:g}") from exc
    if isinstance(value, bool) or not low <= number <= high:
        raise BadParameterError(f"{key} is {value}, it must be a number from {low:g} to {high:g}")
    return number
