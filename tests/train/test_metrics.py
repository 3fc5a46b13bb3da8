"""fimsmith.train.metrics: metrics.jsonl and what is computed from it."""

from pathlib import Path

import pytest

from fimsmith.train import metrics
from fimsmith.train.metrics import Journal


def written(path: Path, steps: int) -> Path:
    journal = Journal(path, 0)
    for step in range(1, steps + 1):
        journal.add(step, train_loss=float(step), tokens=10 * step)
    journal.flush()
    return path


def test_what_is_said_of_one_step_is_one_line(tmp_path: Path):
    journal = Journal(tmp_path / "metrics.jsonl", 0)
    journal.add(0, eval_loss=3.0)
    journal.add(1, train_loss=2.0)
    journal.add(1, eval_loss=2.5)
    journal.flush()
    lines = metrics.read(tmp_path / "metrics.jsonl")
    assert [(line["step"], line.get("train_loss"), line.get("eval_loss")) for line in lines] == [
        (0, None, 3.0),
        (1, 2.0, 2.5),
    ]


def test_steps_after_the_checkpoint_are_dropped_on_a_restart(tmp_path: Path):
    path = written(tmp_path / "metrics.jsonl", 5)
    Journal(path, 3).add(4, train_loss=9.0)
    assert [line["step"] for line in metrics.read(path)] == [1, 2, 3]


def test_a_new_training_begins_a_new_file(tmp_path: Path):
    path = written(tmp_path / "metrics.jsonl", 5)
    Journal(path, 0)
    assert metrics.read(path) == []


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path):
    path = written(tmp_path / "metrics.jsonl", 2)
    path.write_text(path.read_text() + '{"step": 3, "train')
    assert [line["step"] for line in metrics.read(path)] == [1, 2]


@pytest.mark.parametrize("steps", [1, 499, 500, 501, 12345])
def test_a_curve_has_at_most_500_points_and_the_last_one(steps: int):
    lines = [{"step": step, "train_loss": 1.0 / step} for step in range(1, steps + 1)]
    points = metrics.curve(lines, "train_loss")
    assert min(steps, 250) <= len(points) <= 500
    assert points[-1] == (steps, 1.0 / steps)
    assert points == sorted(points)


def test_the_training_loss_is_that_of_the_last_tenth(tmp_path: Path):
    found = metrics.summary(metrics.read(written(tmp_path / "metrics.jsonl", 20)))
    assert found == {"train_loss": 19.5, "steps": 20, "tokens": 200}
