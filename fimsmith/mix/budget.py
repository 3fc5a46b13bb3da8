"""Which samples make up exactly the tokens that a group may contribute."""

import math
from collections.abc import Mapping

import numpy as np

from fimsmith import config
from fimsmith.errors import DataError

SHORTEST = 16  # tokens that a shortened document keeps at least


def allocate(weights: Mapping[str, float], tokens: int) -> dict[str, int]:
    """Split tokens by weight into whole numbers that sum to `tokens` (largest remainder)."""
    total = sum(weights.values())
    exact = {group: weight / total * tokens for group, weight in weights.items()}
    budget = {group: math.floor(value) for group, value in exact.items()}
    by_remainder = sorted(exact, key=lambda group: (budget[group] - exact[group], group))
    for group in by_remainder[: tokens - sum(budget.values())]:
        budget[group] += 1
    return budget


def largest(section: config.Mix, have: Mapping[str, int]) -> tuple[int, str]:
    """Return the most tokens that the weights and max_epochs allow, and the group that limits them.

    `have` holds the tokens of one pass over each group's samples.
    """
    most = {group: section.max_epochs * have[group] / weight for group, weight in section.weights.items()}
    scarcest = min(most, key=lambda group: (most[group], group))
    return math.floor(most[scarcest] * (1 + 1e-12)), scarcest  # 4 epochs of 67 tokens at 0.67 are 400, not 399


def check(section: config.Mix, have: Mapping[str, int], tokens: int) -> None:
    """Raise DataError when a group would have to be repeated more than max_epochs times."""
    affordable, group = largest(section, have)
    if tokens <= affordable:
        return
    weight, cap = section.weights[group], section.max_epochs
    need = math.ceil(weight * tokens)
    epochs = math.ceil(weight * tokens / have[group] * 100) / 100
    fewer = f"mix.tokens to {affordable:,} or " if affordable >= 1_000 else ""  # the schema's minimum
    raise DataError(
        f"group {group!r} holds {have[group]:,} training tokens, {need:,} are needed for {100 * weight:.4g} % of {tokens:,}, "
        f"which would repeat it {epochs:.2f} times (mix.max_epochs is {cap:g}); "
        f"set {fewer}mix.max_epochs to {epochs:.2f}, or add files to the group"
    )


def fill(lengths: np.ndarray, documents: np.ndarray, tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose samples that hold exactly `tokens` where possible, never more.

    `lengths` (tokens) are in the order of use, `documents` says which samples may lose their end.
    Returns the chosen indices and the tokens kept of each. No sample is repeated before every
    sample was used. Takes whole passes, then the longest beginning of the next one that fits, then
    exchanges samples until the rest is filled, and at last shortens a document or two.
    """
    passes, rest = divmod(tokens, int(lengths.sum()))
    chosen = np.zeros(len(lengths), bool)
    chosen[: np.searchsorted(np.cumsum(lengths), rest, side="right")] = True
    rest = _exchange(lengths, chosen, rest - int(lengths[chosen].sum()))
    picks = np.concatenate([np.tile(np.arange(len(lengths)), passes), np.flatnonzero(chosen)])
    if not rest:
        return picks, lengths[picks]
    extra = int(np.argmin(np.where(chosen, np.iinfo(lengths.dtype).max, lengths)))
    longer = np.append(picks, extra)
    # positive: a sample that fits the rest would have been added
    kept = _shorten(lengths[longer], documents[longer], int(lengths[extra]) - rest)
    return (picks, lengths[picks]) if kept is None else (longer, kept)


def _exchange(lengths: np.ndarray, chosen: np.ndarray, rest: int) -> int:
    """Add a sample, or swap one for a longer one, as long as that fills the rest better; return what is left.

    The change of one step is the length of an unchosen sample minus that of a chosen one (or of
    none): every step takes the largest change that fits. Marks `chosen` in place.
    """
    longest = int(lengths.max())
    while rest:
        free, used = _present(lengths[~chosen], longest), _present(lengths[chosen], longest)
        change = next((c for c in range(min(rest, longest), 0, -1) if (free[c:] & used[: longest + 1 - c]).any()), 0)
        if not change:
            break
        out = int(np.argmax(free[change:] & used[: longest + 1 - change]))
        if out:  # the last used of that length, so that the order is disturbed least
            chosen[np.flatnonzero(chosen & (lengths == out))[-1]] = False
        chosen[np.flatnonzero(~chosen & (lengths == out + change))[0]] = True
        rest -= change
    return rest


def _shorten(kept: np.ndarray, documents: np.ndarray, excess: int) -> np.ndarray | None:
    """Take the excess off the longest documents, mostly off one; None when they are too short for that."""
    kept = kept.copy()
    candidates = np.flatnonzero(documents)
    for index in candidates[np.argsort(-kept[candidates], kind="stable")].tolist():
        cut = min(excess, max(int(kept[index]) - SHORTEST, 0))
        kept[index] -= cut
        excess -= cut
        if not excess:
            return kept
    return None


def _present(lengths: np.ndarray, longest: int) -> np.ndarray:
    """Which lengths occur; 0 stands for no sample and always does."""
    present = np.zeros(longest + 1, bool)
    present[lengths] = present[0] = True
    return present
