"""A step of a KFP run learns from its Workflow whether the run is terminated."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable
from typing import Any

from fimsmith.errors import ConfigError
from fimsmith.launch import kube
from fimsmith.launch.answers import Refused, RequestError
from fimsmith.launch.follow import lines
from fimsmith.launch.kube import Cluster, Home
from fimsmith.launch.stopping import Step, Stop

_PAUSE = 1.0  # seconds before asking again


class WorkflowStep(Step):
    """A step whose Workflow says why it gets SIGTERM, and says so about a second before: it is watched."""

    def __init__(self, cluster: Cluster, home: Home, withdraw: Callable[[], bool]):
        super().__init__(withdraw)
        self.cluster, self.home = cluster, home
        with contextlib.suppress(RequestError):
            self.terminated()  # the handshake is over before it counts

    def watch(self, stop: Stop) -> None:
        """Withdraw the job as soon as the run is terminated; ends where the account may not watch."""
        cluster = Cluster(self.cluster.namespace)
        while self.home.workflow is not None:
            try:
                for line in filter(None, lines(cluster.watch_workflow(self.home), complete=False)):
                    if _ended(json.loads(line).get("object", {}).get("spec", {})):
                        stop.received.append(signal.SIGTERM)
                        self.insist()
                        return
            except (RequestError, ValueError) as error:
                if isinstance(error, Refused) and error.status == 403:
                    return
            time.sleep(_PAUSE)

    def terminated(self) -> bool:
        """Whether KFP ends the run; where that cannot be read (no right to, no answer) it counts as ended."""
        if self.home.workflow is None:
            return True
        try:
            return _ended(self.cluster.workflow(self.home)["spec"])
        except RequestError:
            return True


def here(withdraw: Callable[[], bool]) -> tuple[Step, str | None]:
    """Return the step that this process is, and the run's id, for a job that is not on this cluster."""
    try:
        cluster = Cluster()
        home = kube.home(cluster)
        return WorkflowStep(cluster, home, withdraw), home.run_id
    except (ConfigError, ImportError, RequestError):
        return Step(withdraw), None


def _ended(spec: dict[str, Any]) -> bool:
    """Whether a Workflow is being terminated: KFP sets its deadline to 0, Argo's own way is `shutdown`."""
    return spec.get("activeDeadlineSeconds") == 0 or bool(spec.get("shutdown"))
