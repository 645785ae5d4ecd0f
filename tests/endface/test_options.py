from __future__ import annotations

from typing import Any

import pytest

from endface.errors import BadParameterError, UnknownProfileError
from endface.options import Options


def test_parameters_are_read_from_strings_and_numbers() -> None:
    """Numbers travel as strings where the protocol knows no floats."""
    options = Options.from_parameters(
        {
            "profile": "sm-apc",
            "cladding_um": "140.5",
            "um_per_px": 1,
            "fiber": "3",
            "serial": 7,
            "meta.lot": "L",
            "meta.n": 3,
        }
    )

    assert options == Options("sm-apc", 140.5, 1.0, fiber=3, serial="7", meta={"lot": "L", "n": "3"})


def test_default_profile_applies_only_where_none_is_named() -> None:
    """A request's own profile wins over the server's default."""
    assert Options.from_parameters({}, "mm-pc").profile == "mm-pc"
    assert Options.from_parameters({"profile": "sm-apc"}, "mm-pc").profile == "sm-apc"


@pytest.mark.parametrize("parameters", [{}, {"profile": ""}, {"profile": "mm"}, {"profile": "../mm-pc"}])
def test_missing_or_unknown_profile_is_refused(parameters: dict[str, str]) -> None:
    """No silent default: the error lists the profiles that exist."""
    with pytest.raises(UnknownProfileError, match="mm-pc"):
        Options.from_parameters(parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"um_per_px": -0.5},
        {"um_per_px": "0"},
        {"um_per_px": "wide"},
        {"um_per_px": "nan"},
        {"um_per_px": "inf"},
        {"um_per_px": True},
        {"fiber": 0},
        {"fiber": "1.5"},
        {"fiber": "145"},
        {"fiber": True},
        {"fiber": ""},
        {"cladding_um": "-125"},
        {"cladding_um": 1e9},
        {"screen": "perhaps"},
        {"any_core": 2},
        {"profil": "mm-pc"},
        {"metalot": "x"},
    ],
)
def test_bad_parameter_is_refused(parameters: dict[str, Any]) -> None:
    """Wrong numbers and unknown names are errors that name the parameter: a typo must not be a default."""
    with pytest.raises(BadParameterError, match=next(iter(parameters))):
        Options.from_parameters({"profile": "mm-pc"} | parameters)


@pytest.mark.parametrize(
    ("text", "zones"),
    [("A,B", ("A", "B")), (" B , A ", ("A", "B")), ("all", ()), ("", ()), ("A,B,C,D", ()), ("D", ("D",))],
)
def test_zones_are_read_from_inside_out(text: str, zones: tuple[str, ...]) -> None:
    """None stands for all of the profile's, however they are named."""
    assert Options.from_parameters({"profile": "mm-pc", "zones": text}).zones == zones


@pytest.mark.parametrize("zones", ["E", "a", "A B", "A;B", "C"])
def test_zones_that_the_profile_does_not_limit_are_refused(zones: str) -> None:
    """With those that there are."""
    with pytest.raises(BadParameterError, match="A, B"):
        Options.from_parameters({"profile": "mm-pc", "zones": zones})


@pytest.mark.parametrize(("value", "wish"), [("true", True), (True, True), ("1", True), ("false", False), ("", False)])
def test_wishes_are_read_from_texts_and_booleans(value: str | bool, wish: bool) -> None:
    """Both travel over gRPC."""
    options = Options.from_parameters({"profile": "mm-pc", "screen": value, "any_core": value})

    assert (options.screen, options.any_core) == (wish, wish)
    assert not Options.from_parameters({"profile": "mm-pc"}).screen
