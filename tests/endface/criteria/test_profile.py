from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import endface.criteria
from endface.criteria.profile import load_profile, profile_names, profile_sums, read_own, read_profile
from endface.errors import ConfigurationError, UnknownProfileError

FOLDER = Path(endface.criteria.__file__).parent / "profiles"
SHIPPED = ("mm-pc", "mm-pc-ed1", "mm-pc-mt", "sm-apc", "sm-apc-mt", "sm-pc-45", "sm-pc-45-ed1", "sm-pc-mt")

PATHS = ("..", ".", "a/b", "../mm-pc", "../secret", "/etc/passwd")

_SMALL = "no limit on defects smaller than 2 um, at most 5 defects from 2 to 5 um, no defects larger than 5 um"

# Written down from the public copies once more, by hand: zone, its diameters, its rows.
TABLES = {
    "sm-pc-45": f"""
        A 0 25: no scratches, no defects
        B 25 115: no limit on scratches up to 3 um wide, no scratches wider than 3 um, {_SMALL}
        C 115 135: no limit on scratches, no limit on defects
        D 135 250: no limit on scratches, no defects larger than 10 um""",
    "sm-apc": f"""
        A 0 25: at most 4 scratches up to 3 um wide, no scratches wider than 3 um, no defects
        B 25 115: no limit on scratches, {_SMALL}
        C 115 135: no limit on scratches, no limit on defects
        D 135 250: no limit on scratches, no defects larger than 10 um""",
    "mm-pc": """
        A 0 65: no limit on scratches up to 3 um wide, no scratches wider than 3 um,\
 at most 4 defects up to 5 um, no defects larger than 5 um
        B 65 115: no limit on scratches up to 5 um wide, no scratches wider than 5 um,\
 no limit on defects smaller than 5 um, at most 5 defects from 5 to 10 um, no defects larger than 10 um
        C 115 135: no limit on scratches, no limit on defects
        D 135 250: no limit on scratches,\
 no limit on defects smaller than 20 um, at most 5 defects from 20 to 30 um, no defects larger than 30 um""",
    "sm-pc-45-ed1": f"""
        A 0 25: no scratches, no defects
        B 25 120: no limit on scratches up to 3 um wide, no scratches wider than 3 um, {_SMALL}
        C 120 130: no limit on scratches, no limit on defects
        D 130 250: no limit on scratches, no defects of 10 um or more""",
    "mm-pc-ed1": f"""
        A 0 65: no limit on scratches up to 5 um wide, no scratches wider than 5 um,\
 at most 4 defects up to 5 um, no defects larger than 5 um
        B 65 120: no limit on scratches up to 5 um wide, no scratches wider than 5 um, {_SMALL}
        C 120 130: no limit on scratches, no limit on defects
        D 130 250: no limit on scratches, no defects of 10 um or more""",
    "sm-pc-mt": f"""
        A 0 25: no scratches, no defects
        B 25 115: no limit on scratches up to 3 um wide, no scratches wider than 3 um, {_SMALL}""",
    "sm-apc-mt": f"""
        A 0 25: at most 4 scratches up to 3 um wide, no scratches wider than 3 um, no defects
        B 25 115: no limit on scratches, {_SMALL}""",
    "mm-pc-mt": """
        A 0 65: no limit on scratches up to 3 um wide, no scratches wider than 3 um,\
 at most 4 defects up to 5 um, no defects larger than 5 um
        B 65 115: no limit on scratches up to 5 um wide, no scratches wider than 5 um,\
 no limit on defects smaller than 5 um, at most 5 defects from 5 to 10 um, no defects larger than 10 um""",
}

SCRATCHES = 'scratches = [{ width_um = "(3, inf)", allowed = 0 }]'

OWN = f"""
standard = "plant standard 7"
edition = "2026-03"
status = "user"
source = "quality manual, page 12"

[[zones]]
name = "A"
inner_um = 0
outer_um = 62.5
{SCRATCHES}
defects = [{{ size_um = "[2, 5]", allowed = 5 }}, {{ size_um = "(5, inf)", allowed = 0 }}]

[[zones]]
name = "B"
inner_um = 62.5
outer_um = 120
"""


def write(folder: Path, text: str, name: str = "plant-7") -> Path:
    """A profile file of the user's."""
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_profiles_are_those_with_a_public_copy() -> None:
    """No public copy of edition 3 or of the 26 dB table exists, so no profile either."""
    assert profile_names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_says_what_the_public_copy_prints(name: str) -> None:
    """Zone by zone, row by row, scratches first."""
    table = [
        f"{row.zone.name} {row.zone.inner_um:g} {row.zone.outer_um:g}: {', '.join(limit.text for limit in row.limits)}"
        for row in load_profile(name).rows
    ]

    assert table == [line.strip() for line in TABLES[name].strip().splitlines()]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_says_where_it_comes_from(name: str) -> None:
    """Status, source and the sentences on what the table leaves open travel with the numbers."""
    profile = load_profile(name)

    assert profile.name == profile.criteria.profile == name
    assert profile.criteria.standard == "IEC 61300-3-35"
    assert profile.criteria.edition == ("1 (2009)" if name.endswith("-ed1") else "2 (2015)")
    assert profile.criteria.status == "public-copy"
    assert ("KITCO" if name.endswith("-ed1") else "Panduit") in profile.criteria.source
    assert profile.uncertainty_um == 0.5
    assert profile.size == "enclosing_circle"
    assert any("every zone that it crosses" in sentence for sentence in profile.assumptions)
    assert any("smallest circle" in sentence for sentence in profile.assumptions)
    # The table of sm-apc does not say that none may be wider than 3 um in zone A; edition 1 forbids cracks.
    assert any("our reading" in sentence for sentence in profile.assumptions) == name.startswith("sm-apc")
    assert any("cracks" in sentence for sentence in profile.assumptions) == name.endswith("-ed1")


def test_a_users_own_profile_is_found_beside_the_shipped_ones(tmp_path: Path) -> None:
    """By its file's name, with defaults for what it leaves out."""
    write(tmp_path, OWN)

    profile = load_profile("plant-7", tmp_path)

    assert profile.criteria.status == "own"
    assert profile_names(tmp_path) == tuple(sorted([*SHIPPED, "plant-7"]))
    assert load_profile("mm-pc", tmp_path) == load_profile("mm-pc")
    assert (profile.name, profile.size, profile.uncertainty_um) == ("plant-7", "enclosing_circle", 0.5)
    assert [row.limited for row in profile.rows] == [True, False]


def test_rules_are_read_once(tmp_path: Path) -> None:
    """What changes in a folder while a process runs changes no verdict of it: not a file, not a new file."""
    path = write(tmp_path, OWN)
    read = load_profile("plant-7", tmp_path)

    path.write_text(OWN.replace('"(5, inf)", allowed = 0', '"(5, inf)", allowed = 9'), encoding="utf-8")
    write(tmp_path, OWN, "plant-8")

    assert load_profile("plant-7", tmp_path) is read
    assert "plant-8" not in profile_names(tmp_path)


@pytest.mark.parametrize("change", [lambda text: b"\xef\xbb\xbf" + text, lambda text: text.replace(b"\n", b"\r\n")])
def test_editors_marks_change_no_rules(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """A byte-order mark or Windows' line ends: the profile is the same, and so is its sum."""
    released = (FOLDER / "mm-pc.toml").read_bytes()
    (tmp_path / "copy.toml").write_bytes(change(released))

    criteria = read_profile(tmp_path / "copy.toml").criteria

    assert criteria == replace(load_profile("mm-pc").criteria, profile="copy")
    assert criteria.sha256 == hashlib.sha256(released).hexdigest()


def test_checkout_of_git_for_windows_works(tmp_path: Path) -> None:
    """With carriage returns in all its texts the shipped profiles are still the released ones."""
    package = Path(
        shutil.copytree(FOLDER.parents[1], tmp_path / "endface", ignore=shutil.ignore_patterns("__pycache__"))
    )
    for path in package.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    program = "from endface.criteria.profile import profile_sums; print(*profile_sums().values())"

    found = subprocess.check_output([sys.executable, "-c", program], cwd=tmp_path, text=True, env={"PYTHONPATH": "."})

    assert found.split() == list(profile_sums().values())


def test_copy_with_other_numbers_is_an_own_profile(tmp_path: Path) -> None:
    """Whatever status its text claims: only the released numbers are those of the public copy."""
    text = (FOLDER / "mm-pc.toml").read_text(encoding="utf-8")
    write(tmp_path, text.replace("outer_um = 65", "outer_um = 60").replace("inner_um = 65", "inner_um = 60"), "ours")

    criteria = load_profile("ours", tmp_path).criteria

    assert criteria.status == "own"
    assert criteria.sha256 != load_profile("mm-pc").criteria.sha256


@pytest.mark.parametrize("name", ["", "foo", "MM-PC", "mm_pc", "mm-pc\n", "mm-pc\0", "mm-pc.toml", *PATHS])
def test_an_unknown_name_is_answered_with_those_that_exist(name: str, tmp_path: Path) -> None:
    """Whatever the client writes, it is never taken for a path: a file beside the folder stays out of reach."""
    (tmp_path / "own").mkdir()
    write(tmp_path, OWN, "secret")

    for directory in (None, tmp_path / "own"):
        with pytest.raises(UnknownProfileError, match="there are mm-pc, mm-pc-ed1, mm-pc-mt, sm-apc, sm-apc-mt, sm"):
            load_profile(name, directory)


@given(name=st.text(max_size=20))
def test_no_text_opens_anything_but_a_profile(name: str) -> None:
    """Either the profile of exactly that name, or the error."""
    try:
        assert load_profile(name).name == name
    except UnknownProfileError:
        assert name not in SHIPPED


def test_a_missing_folder_is_the_installations_fault(tmp_path: Path) -> None:
    """It names the folder and the variable that points there."""
    with pytest.raises(ConfigurationError, match=r"nowhere does not exist.*ENDFACE_PROFILES"):
        profile_names(tmp_path / "nowhere")


def test_a_users_file_cannot_take_a_shipped_name(tmp_path: Path) -> None:
    """Two meanings of "mm-pc" in a fleet would be two verdicts on one face."""
    write(tmp_path, OWN, "mm-pc")

    with pytest.raises(ConfigurationError, match=r"mm-pc is a shipped profile; give yours another name"):
        load_profile("mm-pc", tmp_path)


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('source = "quality manual, page 12"', "", "source: missing"),
        ('status = "user"', "status = 7", "status: expected a text, not 7"),
        ('status = "user"', 'status = "user"\nsizes = "x"', "sizes: unknown key"),
        ('status = "user"', 'status = "user"\nsize = "longest"', "size: expected 'enclosing_circle' or"),
        ('status = "user"', 'status = "user"\nuncertainty_um = -1', "uncertainty_um: expected micrometers"),
        ('status = "user"', 'status = "user"\nuncertainty_um = nan', "uncertainty_um: expected micrometers"),
        ('status = "user"', 'status = "user"\nassumptions = "x"', "assumptions: expected a list of sentences"),
        ('status = "user"', "status = ", "Invalid"),
        ("scratches = [{", "scratchs = [{", "zones[0].scratchs: unknown key"),
        ("scratches = [{ width_um", "scratches = [{ size_um", "zones[0].scratches[0].width_um: missing"),
        ('"(3, inf)", allowed = 0', '"(3, inf)"', "zones[0].scratches[0].allowed: missing"),
        ('"(3, inf)", allowed = 0', '"(3, inf)", allowed = -1', "zones[0].scratches[0].allowed: expected a count"),
        ('"(3, inf)", allowed = 0', '"(3, inf)", allowed = true', "zones[0].scratches[0].allowed: expected a count"),
        ('"(3, inf)", allowed = 0', '"(3, inf)", allowed = 0.5', "zones[0].scratches[0].allowed: expected a count"),
        ('"(3, inf)", allowed = 0', '"(3, inf)", allowed = "any"', "zones[0].scratches[0].allowed: expected a count"),
        (SCRATCHES, "scratches = 3", "zones[0].scratches: expected a list"),
        ('"(3, inf)"', '"3 and more"', "zones[0].scratches[0].width_um: '3 and more' is no interval"),
        ('"(3, inf)"', "3", "zones[0].scratches[0].width_um: expected an interval"),
        ('"[2, 5]"', '"[5, 2]"', "zones[0].defects[0].size_um: '[5, 2]' holds no size"),
        ('"(5, inf)"', '"[5, inf)"', "zones[0]: rows overlap"),
        ('"(5, inf)"', '"(4, inf)"', "zones[0]: rows overlap"),
        ('"(5, inf)"', '"(6, inf)"', 'zones[0].defects: no row says how many are allowed of size_um "(5, 6]"'),
        ('"[2, 5]"', '"[2, 5)"', 'zones[0].defects: no row says how many are allowed of size_um "[5, 5]"'),
        ('"(5, inf)"', '"(5, 9]"', 'zones[0].defects: no row says how many are allowed of size_um "(9, inf)"'),
        ('"(3, inf)"', '"(3, 9)"', 'zones[0].scratches: no row says how many are allowed of width_um "[9, inf)"'),
        ("inner_um = 62.5", "inner_um = 63", "zones[1] (B): expected inner_um = 62.5"),
        ("inner_um = 62.5", "inner_um = 60", "zones[1] (B): expected inner_um = 62.5"),
        ("inner_um = 0\n", "inner_um = 5\n", "zones: expected the first zone from inner_um = 0"),
        ("outer_um = 120", "outer_um = 62.5", "zones[1] (B): expected outer_um at least"),
        ("outer_um = 120", "outer_um = 300", "zones[1] (B): expected outer_um up to 256"),
        ("outer_um = 120", 'outer_um = "120"', "zones[1].outer_um: expected micrometers"),
        ("outer_um = 120", "outer_um = inf", "zones[1].outer_um: expected micrometers"),
        ("outer_um = 120", "", "zones[1].outer_um: missing"),
        ('name = "B"', 'name = "A"', "zones: expected a name for each, no two the same"),
        ('name = "B"', 'name = ""', "zones: expected a name for each, no two the same"),
        (OWN[OWN.index("[[zones]]") :], "zones = []", "zones: expected the first zone"),
        (OWN[OWN.index("[[zones]]") :], "zones = 4", "zones: expected a list of tables"),
        (OWN[OWN.index("[[zones]]") :], "zones = [4]", "zones[0]: expected a table with"),
    ],
)
def test_a_broken_file_is_refused_with_its_name_and_the_key(tmp_path: Path, good: str, bad: str, message: str) -> None:
    """A misspelt limit would be a limit that is not applied: nothing is skipped in silence."""
    assert good in OWN
    path = write(tmp_path, OWN.replace(good, bad, 1))

    with pytest.raises(ConfigurationError, match=re.escape(message)) as raised:
        read_profile(path)
    assert str(path) in str(raised.value)


def test_a_file_that_cannot_be_read_is_refused_too(tmp_path: Path) -> None:
    """Missing, or not text at all."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")

    for path in (tmp_path / "missing.toml", binary):
        with pytest.raises(ConfigurationError, match=path.name):
            read_profile(path)


def test_a_file_name_that_no_request_could_spell_is_refused(tmp_path: Path) -> None:
    """Small letters, digits, dots and dashes; the folder is refused with it, for it is never listed as a profile."""
    path = write(tmp_path, OWN, "Plant 7")
    for use in (partial(read_profile, path), partial(profile_names, tmp_path), partial(read_own, tmp_path)):
        with pytest.raises(ConfigurationError, match=r"Plant 7\.toml: its name must be small letters"):
            use()


def test_capitals_in_the_ending_are_no_reason_to_skip_a_file(tmp_path: Path) -> None:
    """Windows writes them now and then; of two files that differ in nothing else neither is chosen in silence."""
    write(tmp_path, OWN, "strict").rename(tmp_path / "strict.TOML")
    (tmp_path / "._strict.toml").write_bytes(b"\0")  # what macOS leaves beside it

    assert load_profile("strict", tmp_path).name == "strict"
    assert list(read_own(tmp_path)) == ["strict.TOML"]

    twice = tmp_path / "twice"
    twice.mkdir()
    write(twice, OWN, "strict")
    write(twice, OWN, "strict").rename(twice / "strict.TOML")
    write(twice, OWN, "strict")
    with pytest.raises(ConfigurationError, match="is another one of that name; remove one"):
        profile_names(twice)


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    """The folder is wanted, and the sentence says so without numbers of errors."""
    path = write(tmp_path, OWN, "strict")
    for use in (profile_names, read_own):
        with pytest.raises(ConfigurationError, match=r"strict\.toml is a file; name the folder that it is in"):
            use(path)
