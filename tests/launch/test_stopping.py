"""fimsmith.launch.stopping: a step of a KFP run withdraws its job until that is sure."""

import time

import pytest

from fimsmith.launch import stopping


def test_a_job_is_withdrawn_until_that_is_sure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stopping, "_AGAIN", 0.01)
    answers = [False, False, True, True]
    stopping.Step(lambda: answers.pop(0)).insist()
    assert answers == [True]


def test_a_withdrawal_that_is_never_sure_ends_with_the_pod(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stopping, "_AGAIN", 0.01)
    monkeypatch.setattr(stopping, "_INSISTS", 0.1)
    begun = time.monotonic()
    stopping.Step(lambda: False).insist()
    assert 0.1 <= time.monotonic() - begun < 2
