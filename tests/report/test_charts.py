import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fimsmith.report import charts

numbers = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


@given(numbers, numbers)
def test_an_axis_holds_its_values_and_has_round_ticks(one: float, other: float):
    low, high = sorted((one, other))
    axis = charts.axis(low, high)
    assert axis.low <= low
    assert axis.high >= high
    assert 2 <= len(axis.ticks) <= 8
    step = axis.ticks[1] - axis.ticks[0]
    assert math.isclose(min((1, 2, 5, 10), key=lambda f: abs(f - _mantissa(step))), _mantissa(step), rel_tol=1e-6)


def _mantissa(value: float) -> float:
    return value / 10 ** math.floor(math.log10(value) + 1e-9)


def test_ticks_are_labelled_with_as_many_decimals_as_they_need():
    axis = charts.axis(2.1, 2.3)
    assert [axis.label(tick) for tick in axis.ticks] == ["2.10", "2.15", "2.20", "2.25", "2.30"]
    assert charts.axis(0, 5000).label(2000) == "2,000"


def test_values_outside_an_axis_stick_to_its_ends():
    axis = charts.axis(0, 10)
    assert [axis.place(value) for value in (-3, 0, 5, 10, 12)] == [0, 0, 50, 100, 100]


def test_a_point_lies_where_its_values_say():
    plot = charts.plot({"loss": [[0, 4.0], [10, 2.0]]})
    assert plot
    assert (plot.y.low, plot.y.high) == (2, 4)
    assert plot.lines[0].dots == ((0, 0), (100, 100))
    assert plot.lines[0].path == "M0 0L100 100"


def test_points_that_are_not_finite_are_left_out():
    plot = charts.plot({"loss": [[1, math.nan], [2, 3.0], [3, math.inf]], "none": []})
    assert plot
    assert [(line.name, line.last, len(line.dots)) for line in plot.lines] == [("loss", 3.0, 1)]


def test_without_points_there_is_no_plot():
    assert charts.plot({"loss": [], "valid": [[1, math.nan]]}) is None


@pytest.mark.parametrize("count", [1, charts.POINTS, charts.POINTS + 1, 5_000])
def test_a_long_line_is_thinned_and_ends_where_it_ended(count: int):
    plot = charts.plot({"loss": [[step, 5.0 - step / count] for step in range(1, count + 1)]})
    assert plot
    assert plot.lines[0].path.count("L") < charts.POINTS
    assert plot.lines[0].last == 4.0


@given(st.dictionaries(st.text(max_size=3), st.floats(0.001, 1), min_size=1, max_size=8))
def test_a_stack_fills_its_bar_without_gaps(shares: dict[str, float]):
    parts = charts.stack(shares)
    assert [part.name for part in parts] == list(shares)
    for part, following in zip(parts, [*parts[1:], charts.Part("", 100, 0)], strict=True):
        assert math.isclose(part.start + part.size, following.start, abs_tol=0.01)


def test_a_stack_of_nothing_is_empty():
    assert charts.stack({"business": 0.0}) == []
