"""Decide which files are kept, and whether they are for training, validation or test.

Files of one cluster stay together. A cluster's split is the hash of its name against two
thresholds, so files keep their split when the corpus grows; or, by time, the newest clusters are held out.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from fimsmith import config, randomness
from fimsmith.corpus import leakage
from fimsmith.corpus.cutoff import Times, by_time
from fimsmith.corpus.leakage import Closest
from fimsmith.corpus.neighbours import Clusters, join_similar
from fimsmith.errors import DataError
from fimsmith.progress import say

_MARGIN = 0.06  # two standard errors of an estimate: pairs that may be near-duplicates do not part either
_SEEDS = 1_000  # tried for a suggestion


@dataclass(slots=True)
class Rows:
    """All ingested files without their texts; the order is the order of preference among copies."""

    ids: list[str]
    repositories: list[tuple[str, str]]  # (source, repository)
    held_out: np.ndarray  # whether the row's group gives the valid and test splits
    signatures: np.ndarray  # (rows, bins) uint32
    times: Times | None = None  # for a split by time; of held-out rows


@dataclass(slots=True)
class Plan:
    """What becomes of each row."""

    reasons: list[str | None]  # why a row is dropped
    clusters: list[str]  # id of the cluster's smallest member
    splits: list[str]
    closest: Closest  # between test and training
    cutoffs: dict[str, int]  # by time: when the oldest cluster of test and valid was changed, seconds since the epoch


def plan(section: config.Curate, rows: Rows) -> Plan:
    """Find near-duplicates and split; no kept test file is as similar as `section.similarity` to a training file.

    Raises DataError when a split would be empty.
    """
    copies, families = Clusters(len(rows.ids)), Clusters(len(rows.ids))
    unique = _join_equal(rows.ids, [copies, families])
    least = max(section.similarity - _MARGIN, 0.01)
    join_similar(rows.signatures, unique, [(section.similarity, copies), (least, families)])
    if section.split_by == "repository":
        _join_repositories(rows, families)
    reasons = _copies(rows.ids, copies.labels())
    while True:
        splits, cutoffs = _assign(section, rows, families)
        final = _drop_near_test(rows, reasons, splits)
        closest = _measure(rows, final, splits, least)
        if not closest.above:
            return Plan(final, _names(rows.ids, families.labels()), splits, closest, cutoffs)
        say("curate", f"{len(closest.above):,} more pairs of test and training files are similar; splitting again")
        for left, right in sorted(closest.above):
            families.join(left, right)


def _join_equal(ids: list[str], groups: list[Clusters]) -> np.ndarray:
    """Join rows of equal text and return the first row of each text."""
    first: dict[str, int] = {}
    for row, name in enumerate(ids):
        if (known := first.setdefault(name, row)) != row:
            for clusters in groups:
                clusters.join(known, row)
    return np.fromiter(first.values(), dtype=np.int64, count=len(first))


def _join_repositories(rows: Rows, families: Clusters) -> None:
    """Join the files of each repository of the held-out groups."""
    first: dict[tuple[str, str], int] = {}
    for row in np.flatnonzero(rows.held_out):
        families.join(first.setdefault(rows.repositories[row], int(row)), int(row))


def _copies(ids: list[str], labels: np.ndarray) -> list[str | None]:
    """The reason of each row that is not the first of its copies."""
    seen: set[str] = set()
    reasons: list[str | None] = []
    for row, name in enumerate(ids):
        reasons.append("duplicate" if name in seen else "near_duplicate" if labels[row] != row else None)
        seen.add(name)
    return reasons


def _drop_near_test(rows: Rows, reasons: list[str | None], splits: list[str]) -> list[str | None]:
    """Drop files of other groups that are clustered with held-out ones: they may be neither trained on nor tested."""
    return [
        reason or ("held_out" if split != "train" and not held else None)
        for reason, split, held in zip(reasons, splits, rows.held_out, strict=True)
    ]


def _measure(rows: Rows, reasons: list[str | None], splits: list[str], threshold: float) -> Closest:
    say("curate", "comparing test files with training files")
    kept = np.array([reason is None for reason in reasons])
    named = np.array(splits)
    return leakage.measure(
        rows.signatures, np.flatnonzero(kept & (named == "test")), np.flatnonzero(kept & (named == "train")), threshold
    )


def _names(ids: list[str], labels: np.ndarray) -> list[str]:
    """The smallest id of each row's cluster."""
    smallest: dict[int, str] = {}
    for name, label in zip(ids, labels.tolist(), strict=True):
        smallest[label] = min(name, smallest.get(label, name))
    return [smallest[label] for label in labels.tolist()]


def _assign(section: config.Curate, rows: Rows, families: Clusters) -> tuple[list[str], dict[str, int]]:
    """The split of each row, and the cut-offs; only clusters with a held-out member leave training."""
    labels = families.labels()
    names = _names(rows.ids, labels)
    if rows.times:
        drawn, cutoffs = by_time(section, rows.times, rows.held_out, names)
        return [drawn.get(name, "train") for name in names], cutoffs
    if section.split_by == "repository":  # a repository keeps its split when it gets new files
        names = _names([f"{source}/{repository}" for source, repository in rows.repositories], labels)
    eligible = {names[row] for row in np.flatnonzero(rows.held_out)}
    drawn = {name: _draw(section, section.seed, name) for name in eligible}
    _check(section, drawn, int(rows.held_out.sum()))
    return [drawn.get(name, "train") for name in names], {}


def _draw(section: config.Curate, seed: int, name: str) -> str:
    drawn = randomness.fraction("split", seed, name)
    return "test" if drawn < section.test else "valid" if drawn < section.test + section.valid else "train"


def _check(section: config.Curate, drawn: dict[str, str], files: int) -> None:
    """Raise DataError when a split that should have files has none, with a setting that would do."""
    wanted = {"train": 1.0, "valid": section.valid, "test": section.test}
    needed = {split for split, share in wanted.items() if share > 0}
    if missing := sorted(needed - set(drawn.values())):
        counts = Counter(drawn.values())
        raise DataError(
            f"the {missing[0]} split is empty: {files:,} held-out files form {len(drawn):,} clusters "
            f"({', '.join(f'{counts[split]} {split}' for split in wanted)}); " + _suggestion(section, drawn, needed)
        )


def _suggestion(section: config.Curate, drawn: dict[str, str], needed: set[str]) -> str:
    for seed in range(_SEEDS if len(drawn) >= len(needed) else 0):
        if needed <= {_draw(section, seed, name) for name in drawn}:
            return f"set curate.seed to {seed}, or add files"
    whole = "set curate.split_by to cluster, or " if section.split_by == "repository" else ""
    return f"{whole}add files, or set curate.valid and curate.test higher"
