"""The packed sequences in the order in which they are trained on.

The whole training is one list of sequence numbers, given by the seed, the number of steps and the
levels of mix.order. Optimizer step `n` takes entries `n x batch` to `(n + 1) x batch`, however many
processes share them, so a position in the data is a step number and nothing else needs to be stored
to resume.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from fimsmith import config, randomness
from fimsmith.packed import PackedReader

IGNORED = -100  # label of a token that gives no loss
Batch = dict[str, torch.Tensor]


class Schedule(Dataset):
    """All sequences of a training, one after the other, repeated epoch by epoch."""

    def __init__(self, reader: PackedReader, section: config.Train, levels: Sequence[int] = ()):
        """`levels`: how many sequences, counted through the file, come before the others in the first epoch."""
        self.reader = reader
        self.steps = section.max_steps or max(1, math.ceil(section.epochs * len(reader) / section.batch - 1e-9))
        self.order = _order(len(reader), self.steps * section.batch, section.seed)
        _sort(self.order[: len(reader)], levels)
        sizes = np.add.reduceat(reader.lengths, reader.rows[:-1]).astype(np.int64)
        totals = np.cumsum(sizes[self.order])[section.batch - 1 :: section.batch]
        self._tokens = np.concatenate(([0], totals))
        self._epochs = section.batch / len(reader)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Batch:
        return sequence(self.reader, int(self.order[index]))

    def tokens(self, step: int) -> int:
        """Return how many tokens the first steps hold, padding not counted."""
        return int(self._tokens[step])

    def epoch(self, step: int) -> float:
        """Return how many passes over the sequences the first steps make."""
        return step * self._epochs


def _order(count: int, total: int, seed: int) -> np.ndarray:
    """Concatenate one permutation per epoch and cut it to the total."""
    epochs = math.ceil(total / count)
    return np.concatenate([randomness.generator("order", seed, e).permutation(count) for e in range(epochs)])[:total]


def _sort(first: np.ndarray, levels: Sequence[int]) -> None:
    """Put the sequences of an epoch in the order of their levels, within each as they were drawn.

    A training that ends within its first epoch has its share of each level, not only what is easy.
    """
    level = np.searchsorted(np.cumsum(levels), first, side="right")
    first[:] = first[np.argsort(level, kind="stable")]


def sequence(reader: PackedReader, index: int) -> Batch:
    """Return input_ids, position_ids and labels of one sequence, each `(sequence,)`.

    There is no attention mask: the model tells samples apart by positions that begin again, and
    only without a mask. A sample's first token has no label, for it would be predicted from the
    sample before it.
    """
    ids, loss, positions = reader[index]
    labels = np.where(loss & (positions > 0), ids, IGNORED)
    arrays = {"input_ids": ids, "position_ids": positions, "labels": labels}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def validation(reader: PackedReader, micro_batch: int, rank: int, world: int) -> Iterator[Batch]:
    """Yield this rank's share of a split.

    Every rank gets the same number of equal batches, because ZeRO-3 gathers the weights in each of
    them; what fills up the last ones has no labels.
    """
    passes = math.ceil(len(reader) / (micro_batch * world))
    for start in range(rank * passes * micro_batch, (rank + 1) * passes * micro_batch, micro_batch):
        rows = [sequence(reader, min(i, len(reader) - 1)) for i in range(start, start + micro_batch)]
        batch = torch.utils.data.default_collate(rows)
        batch["labels"][max(0, len(reader) - start) :] = IGNORED
        yield batch
