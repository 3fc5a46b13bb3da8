"""Put whole samples side by side into sequences with as little padding as possible."""

import numpy as np


def pack(lengths: np.ndarray, sequence: int) -> list[list[int]]:
    """Return the samples of each sequence, by index; lengths and `sequence` in tokens.

    Best-fit decreasing (Johnson 1973; Ding et al. 2024, arXiv:2404.10830): the longest sample that is
    left goes to the fullest sequence that has room. No sample is split. The sequences are kept by the
    room they have left, and a bit mask of the rooms that occur gives the tightest one.
    """
    rows: list[list[int]] = []
    with_room: list[list[int]] = [[] for _ in range(sequence + 1)]
    rooms = 0  # bit r is set when a sequence has exactly r tokens left
    sizes = lengths.tolist()
    for index in np.argsort(-lengths, kind="stable").tolist():
        fitting = rooms >> sizes[index]
        if fitting:
            room = sizes[index] + (fitting & -fitting).bit_length() - 1
            row = with_room[room].pop()
            if not with_room[room]:
                rooms ^= 1 << room
        else:
            room, row = sequence, len(rows)
            rows.append([])
        rows[row].append(index)
        left = room - sizes[index]
        with_room[left].append(row)
        if left:
            rooms |= 1 << left
    return rows
