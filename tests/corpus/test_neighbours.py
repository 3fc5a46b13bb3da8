import numpy as np
import pytest

from fimsmith.corpus import minhash, neighbours
from fimsmith.corpus.neighbours import Clusters, join_similar


def signatures(rows: int, seed: int) -> np.ndarray:
    """Random signatures, many of which are copies of others with some bins changed."""
    draw = np.random.default_rng(seed)
    made = draw.integers(0, 2**32, (rows, minhash.BINS), dtype=np.uint32)
    for row in range(1, rows):
        if draw.random() < 0.7:
            kept = draw.random(minhash.BINS) < draw.uniform(0.4, 1)
            made[row, kept] = made[draw.integers(0, row), kept]
    return made


def every_pair(made: np.ndarray, threshold: float) -> np.ndarray:
    clusters = Clusters(len(made))
    for row in range(len(made)):
        for other in np.flatnonzero(minhash.estimate(made, made[row]) >= threshold):
            clusters.join(row, int(other))
    return clusters.labels()


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.85, 0.95, 1.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_bands_find_the_same_clusters_as_comparing_every_pair(threshold: float, seed: int):
    made, clusters = signatures(300, seed), Clusters(300)
    join_similar(made, np.arange(300), [(threshold, clusters)])
    assert np.array_equal(clusters.labels(), every_pair(made, threshold))


@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.64, 0.7, 0.8, 0.9, 1.0])
def test_no_signature_can_differ_in_every_band_and_still_be_similar(threshold: float):
    width = neighbours.band_width(threshold)
    most_different = int(minhash.BINS * (1 - threshold) + 1e-9)
    assert minhash.BINS // width > most_different or width == 1


def test_each_threshold_has_its_own_clusters():
    made = signatures(300, 3)
    strict, loose = Clusters(300), Clusters(300)
    join_similar(made, np.arange(300), [(0.8, strict), (0.7, loose)])
    assert np.array_equal(strict.labels(), every_pair(made, 0.8))
    assert np.array_equal(loose.labels(), every_pair(made, 0.7))


def test_a_bucket_larger_than_the_window_becomes_one_cluster():
    base = signatures(1, 4)[0]
    made = np.repeat(base[None], 2_000, axis=0)
    made[:, 0] = np.arange(2_000)
    clusters = Clusters(2_000)
    join_similar(made, np.arange(2_000), [(0.9, clusters)])
    assert not clusters.labels().any()


def test_labels_do_not_depend_on_the_order_of_joining():
    edges = [(5, 3), (3, 9), (1, 7), (9, 1), (2, 4)]
    first, second = Clusters(10), Clusters(10)
    for left, right in edges:
        first.join(left, right)
    for left, right in reversed(edges):
        second.join(right, left)
    assert first.labels().tolist() == second.labels().tolist() == [0, 1, 2, 1, 2, 1, 6, 1, 8, 1]
