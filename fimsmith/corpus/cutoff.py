"""Hold out the newest code: what a model is tested on was last changed after all that it learned from.

A cluster is as new as its newest member, so that nothing in training is as new as the cut-offs, and clusters of the same
time, such as those of one commit, stay together.
"""

from dataclasses import dataclass

import numpy as np

from fimsmith import config
from fimsmith.errors import DataError


@dataclass(frozen=True, slots=True)
class Times:
    """When each row was last changed, seconds since the epoch."""

    newest: np.ndarray  # int64; where it is not known, the time that it cannot be after
    known: np.ndarray  # bool


def by_time(
    section: config.Curate, times: Times, held_out: np.ndarray, names: list[str]
) -> tuple[dict[str, str], dict[str, int]]:
    """Return the split of each cluster with a held-out member, and from when on a cluster is in test and in valid.

    The cut-offs are those between two commits that come closest to the shares. Raises DataError where the clusters have
    too few different times, or too few times are known.
    """
    newest: dict[str, tuple[int, bool]] = {}
    for row in np.flatnonzero(held_out):
        each = int(times.newest[row]), bool(times.known[row])
        newest[names[row]] = max(each, newest.get(names[row], each))  # of two equal times the known one
    floor = max((time for time, known in newest.values() if not known), default=None)
    ordered = sorted((time for time, _ in newest.values()), reverse=True)
    cutoffs = _cutoffs(section, ordered, len(ordered) if floor is None else sum(time > floor for time in ordered))
    splits = {
        name: next((split for split, cutoff in cutoffs.items() if time >= cutoff), "train")
        for name, (time, _) in newest.items()
    }
    return splits, cutoffs


def _cutoffs(section: config.Curate, times: list[int], certain: int) -> dict[str, int]:
    """The oldest time in test and in valid; `times` are those of all clusters, newest first, of which so many are certain."""
    shares = {split: share for split, share in (("test", section.test), ("valid", section.valid)) if share}
    if certain < (wanted := round(sum(shares.values()) * len(times))):
        raise DataError(
            f"curate.split_by: time is to hold out {wanted:,} of {len(times):,} clusters, but only of {certain:,} it is known that "
            "they changed after the others; raise history of the sources that are held out, or lower curate.valid and curate.test"
        )
    counts = [count for count in range(1, min(certain + 1, len(times))) if times[count - 1] != times[count]]
    if len(counts) < len(shares):
        raise DataError(
            f"curate.split_by: time needs {len(shares) + 1} different times for train, {' and '.join(shares)}, but of the "
            f"last changes of {len(times):,} clusters {len(counts) + bool(times)} can be told apart; add files, raise history, name "
            "an earlier commit after the @ if the last one touched all files, or set curate.split_by to cluster"
        )
    found, share = {}, 0.0
    for following, (split, more) in zip(range(len(shares) - 1, -1, -1), shares.items(), strict=True):
        share += more
        wanted = share * len(times)
        # each split that follows needs a time of its own
        count = min(counts[: len(counts) - following], key=lambda count, wanted=wanted: abs(count - wanted))
        counts = [each for each in counts if each > count]
        found[split] = times[count - 1]
    return found
