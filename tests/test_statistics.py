import numpy as np
import pytest

from fimsmith import statistics
from fimsmith.statistics import bootstrap_mean, mcnemar


def column(values: list[float]) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_the_interval_of_independent_samples_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(10, 3, size=(400, 1))
    (found,) = bootstrap_mean(values, [str(n) for n in range(400)])
    assert found.mean == pytest.approx(values.mean(), abs=1e-6)
    half = 1.96 * values.std() / 20
    assert found.low == pytest.approx(values.mean() - half, abs=0.05)
    assert found.high == pytest.approx(values.mean() + half, abs=0.05)


def test_samples_that_repeat_within_a_file_do_not_narrow_the_interval():
    values = np.random.default_rng(2).normal(size=40)
    (once,) = bootstrap_mean(column(list(values)), [str(n) for n in range(40)])
    (often,) = bootstrap_mean(column(list(values.repeat(25))), [str(n) for n in range(40) for _ in range(25)])
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-5)


def test_files_count_by_their_samples():
    (found,) = bootstrap_mean(column([0, 0, 0, 0, 0, 1]), ["a", "b", "c", "d", "e", "e"])
    assert found.mean == pytest.approx(1 / 6, abs=1e-6)


def test_the_same_seed_gives_the_same_interval_and_another_one_does_not():
    values, files = np.random.default_rng(3).normal(size=(50, 2)), [str(n) for n in range(50)]
    assert bootstrap_mean(values, files, seed=4) == bootstrap_mean(values, files, seed=4)
    assert bootstrap_mean(values, files, seed=4) != bootstrap_mean(values, files, seed=5)


def test_the_order_of_the_rows_does_not_change_the_interval():
    values, files = np.random.default_rng(3).normal(size=(60, 1)), np.array([str(n % 20) for n in range(60)])
    order = np.random.default_rng(4).permutation(60)
    assert bootstrap_mean(values[order], list(files[order])) == bootstrap_mean(values, list(files))


def test_drawing_in_blocks_gives_as_many_means_as_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(statistics, "_BLOCK", 70)
    drawn = statistics._resampled(np.ones((10, 3)), np.full(10, 2.0), 101, 0)
    assert drawn.shape == (101, 3)
    assert (drawn == 0.5).all()


def test_too_few_files_give_no_interval():
    (found,) = bootstrap_mean(column([1, 2, 3, 4]), ["a", "b", "c", "d"])
    assert (found.mean, found.low, found.high) == (2.5, None, None)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    generator, hits = np.random.default_rng(5), 0
    for _ in range(200):
        effects = generator.normal(size=60).repeat(4)[:, None]
        (found,) = bootstrap_mean(effects + generator.normal(size=(240, 1)), [str(n // 4) for n in range(240)], 400)
        assert found.low is not None
        assert found.high is not None
        hits += found.low < 0 < found.high
    assert 178 <= hits <= 199


@pytest.mark.parametrize(
    ("better", "worse", "p"), [(0, 0, 1.0), (5, 5, 1.0), (5, 0, 0.0625), (10, 0, 2 / 1024), (8, 2, 0.109375)]
)
def test_mcnemar_is_the_two_sided_binomial_test_of_the_changed_samples(better: int, worse: int, p: float):
    base = [False] * better + [True] * worse + [True, False] * 7
    tuned = [True] * better + [False] * worse + [True, False] * 7
    assert mcnemar(base, tuned) == pytest.approx(p)
