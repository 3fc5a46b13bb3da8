"""Build the packed train and valid sequences.

    fimsmith mix config.yaml

A token counts where it is emitted: sentinels and repetitions count, padding does not.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fimsmith import config, manifest, packed, randomness
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest, Outcome
from fimsmith.mix import budget, curriculum, samples
from fimsmith.mix.packing import pack
from fimsmith.mix.samples import Samples
from fimsmith.progress import Progress, say

STAGE = "mix"

Rows = list[np.ndarray]  # the samples of each sequence, as indices into a Selection


@dataclass(frozen=True, slots=True)
class Selection:
    """Samples of one split, with repetitions."""

    picks: np.ndarray  # indices into Samples
    kept: np.ndarray  # tokens of each


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the training file depends on of the model."""

    size: int  # rows of the embedding
    pad: int


def build(section: config.Mix, shards: list[Manifest], model: Manifest, root: str) -> Manifest:
    """Choose samples by exact token shares and pack them into `train.*` and `valid.*` (see fimsmith.packed).

    `shards` are the fim stage's manifests; the files do not depend on how the samples are spread
    over them. Raises DataError when a group has no samples or not enough of them, when its share
    cannot be met within the tolerance, and when there is nothing to validate on.
    """
    shards = sorted(shards, key=lambda shard: shard.digest)
    vocabulary = Vocabulary(model.details["vocabulary"], model.details["format"]["pad"])
    key = [section, vocabulary.size, vocabulary.pad]
    return manifest.produce(STAGE, key, shards, root, lambda folder: _mix(folder, section, shards, vocabulary))


def _mix(folder: Path, section: config.Mix, shards: list[Manifest], vocabulary: Vocabulary) -> Outcome:
    started = time.monotonic()
    known = samples.read(shards, section.seed)
    _check_lengths(known, section.sequence)
    train, valid = _train(known, section), _valid(known, section)
    levels = {}
    for split, selection in (("train", train), ("valid", valid)):
        learn = _first_learned(known, selection.picks, section.loss)
        levels[split] = _rows(known, selection, section, split)
        rows = [row for level in levels[split] for row in level]
        shape = (section.sequence, vocabulary.size, vocabulary.pad)
        with packed.PackedWriter(folder, split, [selection.kept[row].tolist() for row in rows], shape) as writer:
            _write(writer, _placed(rows, selection, known, learn), shards, vocabulary.size)
    outcome = _outcome(known, section, {"train": train, "valid": valid}, levels)
    outcome.details |= {
        "dtype": packed.dtype(vocabulary.size).name,
        "pad": vocabulary.pad,
        "vocabulary": vocabulary.size,
    }
    _say_result(outcome, time.monotonic() - started)
    return outcome


def _check_lengths(known: Samples, sequence: int) -> None:
    longest = int(known.lengths.max())
    if longest > sequence:
        raise DataError(
            f"the longest sample has {longest:,} tokens, a sequence {sequence:,}; "
            f"set mix.sequence to at least {longest} or fim.sequence to at most {sequence}"
        )


def _train(known: Samples, section: config.Mix) -> Selection:
    """Choose every group's samples; raises DataError when its share cannot be had."""
    members = {group: known.of("train", group) for group in section.weights}
    for group, indices in members.items():
        if not len(indices):
            raise _no_samples(group, known)
    have = {group: int(known.lengths[indices].sum()) for group, indices in members.items()}
    picks, kept = [], []
    for group, tokens in _budgets(section, have).items():
        lengths = known.lengths[members[group]]
        chosen, tokens_of = budget.fill(lengths, known.policies[members[group]] == "document", tokens)
        picks.append(members[group][chosen])
        kept.append(tokens_of)
    selection = Selection(np.concatenate(picks), np.concatenate(kept))
    _check_shares(known, section, selection)
    return selection


def _no_samples(group: str, known: Samples) -> DataError:
    others = sorted(set(known.groups[known.of("train")]))
    return DataError(
        f"mix.weights names group {group!r}, but no training sample belongs to it "
        f"(groups with samples: {', '.join(others) or 'none'}); all its files were dropped or held out, see the lines "
        f"of ingest and curate: mend its source, or remove {group!r} from mix.weights"
    )


def _budgets(section: config.Mix, have: Mapping[str, int]) -> dict[str, int]:
    """Return the tokens of every group, given the tokens of one pass over each."""
    affordable, scarcest = budget.largest(section, have)
    if section.tokens is None:
        say(
            STAGE,
            f"mix.tokens is null: {affordable:,} tokens, the most that {section.max_epochs:g} epochs of group {scarcest!r} allow",
        )
    else:
        budget.check(section, have, section.tokens)
    wanted = budget.allocate(section.weights, section.tokens or affordable)
    # rounding must not push a group over max_epochs
    return {group: min(tokens, math.floor(section.max_epochs * have[group])) for group, tokens in wanted.items()}


def _tokens_by(labels: np.ndarray, selection: Selection) -> dict[str, int]:
    """Sum the kept tokens by the label of their sample."""
    names, codes = np.unique(labels[selection.picks].astype(str), return_inverse=True)
    sums = np.bincount(codes, selection.kept, len(names))
    return {str(name): int(count) for name, count in zip(names, sums, strict=True)}


def _check_shares(known: Samples, section: config.Mix, selection: Selection) -> None:
    tokens = _tokens_by(known.groups, selection)
    total = sum(tokens.values())
    if empty := [group for group in section.weights if group not in tokens]:
        shortest = int(known.lengths[known.of("train", empty[0])].min())
        raise DataError(
            f"group {empty[0]!r} gets no sample: its shortest has {shortest:,} tokens, more than its share; "
            f"set mix.tokens to at least {max(math.ceil(shortest / section.weights[empty[0]]), 1_000):,}"
        )
    off = {group: abs(tokens[group] / total - weight) for group, weight in section.weights.items()}
    worst = max(off, key=lambda group: (off[group], group))
    if off[worst] > section.tolerance:
        longest = int(known.lengths[known.of("train", worst)].max())
        raise DataError(
            f"group {worst!r} gets {tokens[worst]:,} of {total:,} tokens, {off[worst]:.3%} off its weight "
            f"{section.weights[worst]:g} (mix.tolerance is {section.tolerance:.3%}): too few samples of up to {longest:,} "
            f"tokens to choose from; set mix.tolerance to {math.ceil(off[worst] * 1e4) / 1e4:g}, or add files"
        )


def _valid(known: Samples, section: config.Mix) -> Selection:
    indices = known.of("valid")
    if not len(indices):
        raise DataError(
            "no sample is in the valid split; raise curate.valid, add code to the groups in curate.held_out, "
            "or change curate.seed"
        )
    lengths = known.lengths[indices]
    count = int(np.searchsorted(np.cumsum(lengths), section.valid_tokens, side="right"))
    if not count:
        raise DataError(
            f"the first validation sample has {lengths[0]:,} tokens, more than mix.valid_tokens {section.valid_tokens:,}; "
            f"set mix.valid_tokens to at least {section.sequence:,}"
        )
    return Selection(indices[:count], lengths[:count])


def _first_learned(known: Samples, picks: np.ndarray, loss: str) -> np.ndarray:
    """Index of each sample's first learned token: nothing in the sample predicts its token 0."""
    first = np.ones(len(picks), np.int64)
    if loss == "all":
        return first
    return np.where(known.policies[picks] == "document", first, np.maximum(known.targets[picks], first))


def _rows(known: Samples, selection: Selection, section: config.Mix, split: str) -> list[Rows]:
    """Pack, then shuffle, for packing leaves the sequences sorted by their longest sample; return them level by level."""
    packed_rows = pack(selection.kept, section.sequence)
    order = randomness.generator(STAGE, section.seed, "sequences", split).permutation(len(packed_rows))
    rows = [np.array(packed_rows[index]) for index in order]
    if split == "valid" or section.order == "shuffled":
        return [rows]
    picks = selection.picks
    levels = curriculum.levels(rows, known.middles[picks], known.groups[picks], selection.kept)
    return [[rows[index] for index in np.flatnonzero(levels == level)] for level in np.unique(levels)]


def _placed(rows: Rows, selection: Selection, known: Samples, learn: np.ndarray) -> np.ndarray:
    """Return (place, sequence, offset, tokens kept, first learned) of every sample, sorted by place."""
    flat = np.concatenate(rows)
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    kept = selection.kept[flat]
    ends = np.cumsum(kept)
    first = np.repeat(np.cumsum(counts) - counts, counts)  # of each sample's sequence
    offsets = ends - kept - (ends - kept)[first]
    places = known.places[selection.picks[flat]]
    table = np.stack([places, np.repeat(np.arange(len(rows)), counts), offsets, kept, learn[flat]], axis=1)
    return table[np.argsort(places, kind="stable")]


def _write(writer: packed.PackedWriter, placed: np.ndarray, shards: list[Manifest], vocabulary: int) -> None:
    """Stream the ids of all chosen samples to their places."""
    progress = Progress(STAGE, "tokens", int(placed[:, 3].sum()))
    for ids, (_, row, offset, kept, learn) in zip(samples.ids(shards, placed[:, 0]), placed.tolist(), strict=True):
        if ids.max() >= vocabulary:
            raise DataError(
                f"a sample holds token {ids.max()}, the model has {vocabulary}; the samples were made for another model: "
                "run fim and mix with the same model.path"
            )
        writer.put(row, offset, ids[:kept], learn)
        progress.add(kept)


def _outcome(
    known: Samples, section: config.Mix, chosen: Mapping[str, Selection], levels: Mapping[str, list[Rows]]
) -> Outcome:
    train, valid = chosen["train"], chosen["valid"]
    sequences = {split: sum(map(len, each)) for split, each in levels.items()}
    by_group, total = _tokens_by(known.groups, train), int(train.kept.sum())
    picked, middles = known.groups[train.picks], known.middles[train.picks]
    groups = {
        group: {
            "weight": weight,
            "tokens": by_group[group],
            "share": by_group[group] / total,
            "epochs": by_group[group] / int(known.lengths[known.of("train", group)].sum()),
            "samples": int((picked == group).sum()),
            "lengths": _spread(train.kept[picked == group]),
            "middles": _spread(middles[(picked == group) & (middles > 0)]),
        }
        for group, weight in section.weights.items()
    }
    metrics = {
        "tokens": total,
        "sequences": sequences["train"],
        "fill": total / (sequences["train"] * section.sequence),
        "valid_tokens": int(valid.kept.sum()),
        **{f"share_{group}": values["share"] for group, values in groups.items()},
    }
    policies = _tokens_by(known.policies, train)
    details = {"sequence": section.sequence, "groups": groups, "policies": policies, "sequences": sequences}
    details |= {"order": section.order, "levels": [_level(known, train, rows) for rows in levels["train"]]}
    return Outcome(metrics, details)


def _spread(tokens: np.ndarray) -> dict[str, int]:
    """How long samples are; empty where there are none."""
    if not len(tokens):
        return {}
    cuts = np.quantile(tokens, [0.1, 0.5, 0.9, 1.0], method="nearest")
    return dict(zip(("p10", "median", "p90", "longest"), cuts.astype(int).tolist(), strict=True))


def _level(known: Samples, train: Selection, rows: Rows) -> dict[str, Any]:
    """What is trained on before the next level, as the report shows it; train reads the number of sequences."""
    members = np.concatenate(rows)
    part = Selection(train.picks[members], train.kept[members])
    middles, total = known.middles[part.picks], int(part.kept.sum())
    return {
        "sequences": len(rows),
        "tokens": total,
        "middle": float(middles.sum() / max(1, np.count_nonzero(middles))),  # tokens, on average
        "shares": {group: tokens / total for group, tokens in _tokens_by(known.groups, part).items()},
    }


def _say_result(outcome: Outcome, seconds: float) -> None:
    metrics, shares = outcome.metrics, outcome.details["groups"]
    listed = ", ".join(f"{group} {values['share']:.2%}" for group, values in shares.items())
    say(
        STAGE,
        f"{metrics['tokens']:,} tokens in {metrics['sequences']:,} sequences ({metrics['fill']:.1%} full): {listed}; "
        f"valid {metrics['valid_tokens']:,} tokens; {metrics['tokens'] / max(seconds, 1e-9):,.0f} tokens/s",
    )
    if outcome.details["order"] == "easy_first":
        middles = ", ".join(f"{level['middle']:.1f}" for level in outcome.details["levels"])
        say(STAGE, f"easy first: levels whose middles have {middles} tokens on average")
