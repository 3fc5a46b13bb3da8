import numpy as np
import pytest

from fimsmith.corpus import leakage, minhash


@pytest.fixture
def made() -> np.ndarray:
    draw = np.random.default_rng(0)
    rows = draw.integers(0, 2**32, (300, minhash.BINS), dtype=np.uint32)
    for row in range(100, 300):
        kept = draw.random(minhash.BINS) < draw.uniform(0, 0.95)
        rows[row, kept] = rows[draw.integers(0, 100), kept]
    return rows


@pytest.mark.parametrize("threshold", [0.5, 0.7])
def test_every_pair_above_the_threshold_and_the_closest_one_are_found(made: np.ndarray, threshold: float):
    test, train = np.arange(100), np.arange(100, 300)
    exact = np.array([minhash.estimate(made[train], made[row]) for row in test])
    found = leakage.measure(made, test, train, threshold)
    assert found.similarity == exact.max()
    assert found.pair is not None
    assert exact[found.pair[0], found.pair[1] - 100] == exact.max()
    assert sorted(found.above) == [(int(row), int(train[column])) for row, column in np.argwhere(exact >= threshold)]


def test_equal_signatures_are_found(made: np.ndarray):
    made[299] = made[0]
    assert leakage.measure(made, np.arange(5), np.arange(250, 300), 0.9).similarity == 1


def test_nothing_to_compare_gives_no_similarity(made: np.ndarray):
    assert leakage.measure(made, np.arange(0), np.arange(10), 0.5) == leakage.Closest()
