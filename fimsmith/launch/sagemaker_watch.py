"""See one training job through: show its states, its log and its cost, until it has ended."""

from __future__ import annotations

import time

from fimsmith import config
from fimsmith.launch import aws, sagemaker_reasons
from fimsmith.launch.cloudwatch import Tail
from fimsmith.launch.output import Output
from fimsmith.launch.sagemaker_reasons import Description
from fimsmith.launch.stopping import Stop

INTERVAL = 5.0  # seconds between two looks
_LATE = 60.0  # seconds that a job just made may be unknown: reads are eventually consistent
_COST = 600.0  # seconds between two lines on the cost
_QUIET, _DRAIN = 5.0, 30.0  # seconds without a line, and in all, to wait for the end of the log: it arrives late


class Watch:
    """One training job, from the moment it is there."""

    def __init__(self, account: aws.Account, name: str, settings: config.SageMaker, output: Output):
        self.account, self.name, self.settings, self.output = account, name, settings, output
        number = name.rpartition("-")[2]
        self.which = "" if number == "1" else f"attempt {number}: "  # what is told counts for one attempt only
        self.tail = Tail(account, name, output.take)
        self.said: list[str] = []  # of the states
        self.told = time.monotonic()  # when the cost was told

    def until_done(self, stop: Stop) -> Description | None:
        """Follow the job until it has ended; None: a signal came first."""
        found, late = None, time.monotonic() + _LATE
        while not stop:
            found = self._look(found, late)
            if found is not None:
                self._show(found)
                self.tail.read(stop)
                if found["TrainingJobStatus"] in sagemaker_reasons.ENDED:
                    self._drain(stop)
                    self.output.say(f"{self.which}{sagemaker_reasons.expense(found, self.settings.prices)}")
                    return found
            stop.wait(INTERVAL)
        return None

    def _look(self, before: Description | None, late: float) -> Description | None:
        """Describe the job; one that is gone is as it was `before`, but deleted; None: not known yet, until `late`."""
        try:
            return self.account.call("describe_training_job", TrainingJobName=self.name)
        except aws.ERRORS as error:
            if not aws.is_missing(error) or (before is None and time.monotonic() > late):
                raise
            return before and {**before, "TrainingJobStatus": sagemaker_reasons.DELETED}

    def _show(self, found: Description) -> None:
        """Say what is new: states that came, and now and then the cost."""
        states = sagemaker_reasons.states(found)
        for number, text in enumerate(states):
            if self.said[number : number + 1] != [text]:  # the message of the present state may change
                self.output.say(text)
        self.said = states
        if time.monotonic() - self.told > _COST:
            self.told = time.monotonic()
            self.output.say(f"{self.which}so far {sagemaker_reasons.expense(found, self.settings.prices)}")

    def _drain(self, stop: Stop) -> None:
        begun = quiet = time.monotonic()
        while (now := time.monotonic()) - quiet < _QUIET and now - begun < _DRAIN:
            if self.tail.read(stop):
                quiet = time.monotonic()
            elif self.tail.refused or stop:
                return
            stop.wait(min(1.0, _QUIET))
