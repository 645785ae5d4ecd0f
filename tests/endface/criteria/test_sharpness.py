from __future__ import annotations

from dataclasses import replace

import pytest

from endface.criteria.limits import Interval, Limit
from endface.criteria.profile import Profile, load_profile
from endface.criteria.sharpness import hidden_by_blur, require_sharpness, with_blur
from endface.errors import DefocusError
from endface.report import Quality
from tests.endface.criteria.found import defect


def only(text: str, allowed: int | None) -> Profile:
    """A profile of which every zone has one row for defects."""
    profile = load_profile("mm-pc")
    limits = (Limit("defect", Interval.parse(text), allowed),)
    return replace(profile, rows=tuple(replace(row, limits=limits) for row in profile.rows))


@pytest.mark.parametrize(
    ("profile", "judged_um", "refused_um"),
    [
        # A mark of diameter d keeps half of its contrast up to a blur of d / sqrt(8 ln 2) = d / 2.355.
        pytest.param(load_profile("sm-pc-45"), 0.84, 0.86, id="none allowed: 2 um, the smallest that tables name"),
        pytest.param(load_profile("mm-pc"), 1.04, 1.06, id="3 um decide, but too much is blurred before"),
        pytest.param(only("(2.2, inf)", 0), 0.92, 0.94, id="limits of one's own"),
        pytest.param(only("(0, inf)", 4), 1.04, 1.06, id="no mark decides alone"),
    ],
)
def test_a_picture_is_refused_where_a_deciding_mark_fades(
    profile: Profile, judged_um: float, refused_um: float
) -> None:
    """Half of the contrast of the smallest mark that fails a face by itself must be left."""
    require_sharpness(profile, Quality(judged_um, 1.0))

    with pytest.raises(DefocusError, match=rf"blur is {refused_um} um .* {profile.name} .* blur of .* focus again"):
        require_sharpness(profile, Quality(refused_um, 1.0))


@pytest.mark.parametrize("profile", ["mm-pc", "mm-pc-ed1", "sm-pc-45", "sm-apc"])
def test_a_pass_is_certain_only_in_a_sharp_picture(profile: str) -> None:
    """Rows that count all sizes are held to 2 um: such a mark keeps 2/3 of its contrast up to 0.675 um of blur."""
    assert not hidden_by_blur(load_profile(profile), Quality(0.67, 1.0))
    assert "0.67 um; focus again" in hidden_by_blur(load_profile(profile), Quality(0.68, 1.0))


@pytest.mark.parametrize(
    ("noise_levels", "clear_um"),
    [(2.8, 0.675), (3.8, 0.479), (4.2, 0.357), (4.3, 0.0)],  # of 30 gray levels, seven deviations must be left
)
def test_noise_lowers_the_blur_that_is_borne(noise_levels: float, clear_um: float) -> None:
    """What the blur leaves of a mark must stand out of the noise."""
    profile = load_profile("mm-pc")

    assert not clear_um or not hidden_by_blur(profile, Quality(clear_um - 0.01, noise_levels))
    assert hidden_by_blur(profile, Quality(clear_um + 0.01, noise_levels))


def test_noise_alone_can_hide_a_mark() -> None:
    """At 8 gray levels no mark of 30 is seen, however sharp the picture is; focusing again would not help."""
    with pytest.raises(DefocusError, match=r"noise 8.0 gray levels, .* more light"):
        require_sharpness(load_profile("mm-pc"), Quality(0.3, 8.0))


@pytest.mark.parametrize(
    ("blur_um", "sigma_um"),
    [(0.3, 0.3), (0.55, 0.3), (0.75, 0.635), (1.0, 1.295)],  # 0.3 um and 2.8 times what is beyond 0.55 um, as squares
)
def test_sizes_are_less_certain_in_a_soft_picture(blur_um: float, sigma_um: float) -> None:
    """Those of a defect and of its parts; the sizes themselves stay."""
    found = defect("scratch", "AB", 3.0, sigma_um=0.3, parts=(("A", 4.0),))

    (soft,) = with_blur([found], Quality(blur_um, 1.0))

    sigmas = (soft.size_sigma_um, soft.width_sigma_um, soft.parts[0].size_sigma_um)
    assert sigmas == pytest.approx((sigma_um,) * 3, abs=0.001)
    assert (soft.size_um, soft.width_um, soft.parts[0].size_um) == (60.0, 3.0, 4.0)
