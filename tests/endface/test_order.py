from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from endface.order import level_quantiles, median, quantile


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_median_is_that_of_numpy(values: list[float]) -> None:
    """The middle value, or the mean of the two in the middle."""
    assert median(np.array([values, values])) == approx(np.median([values, values], axis=1))


@given(st.lists(st.integers(0, 255), min_size=1, max_size=9))
def test_median_of_levels_is_that_of_numpy(levels: list[int]) -> None:
    """Two bright levels in the middle do not run over."""
    assert median(np.array([levels, levels], np.uint8)) == approx(np.median([levels, levels], axis=1))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.floats(0, 1))
def test_quantile_is_that_of_numpy(values: list[float], share: float) -> None:
    """Between two values by the straight line."""
    assert quantile(np.array(values), share) == approx(float(np.quantile(values, share)), abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 60)])
def test_quantiles_of_levels_are_those_of_numpy(shape: tuple[int, int]) -> None:
    """The histogram says the same as sorting all pixels."""
    gray = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    shares = np.linspace(0, 1, 20)

    assert level_quantiles(gray, shares) == approx(np.quantile(gray, shares))
