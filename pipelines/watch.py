"""Show a run of the pipeline as `fimsmith run` would: the stages' own lines, and how each ended."""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

from kfp import Client
from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError

from fimsmith.errors import FimsmithError, JobError
from fimsmith.launch.answers import Refused, RequestError
from fimsmith.launch.follow import Container
from fimsmith.launch.kube import PODS, Cluster
from fimsmith.progress import duration, say
from pipelines.backend import explain
from pipelines.local import PROGRESS, STAGES

_PAUSE = 2.0  # seconds between two looks
_PATIENCE = 300.0  # seconds without an answer
_CANCELLED = {"CANCELING", "CANCELED", "CANCELLED"}
_ENDED = {"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED", "CANCELLED"}
_TASK = re.compile(rf"({'|'.join(STAGES)})(?:-\d+)?")
_NODE = re.compile(r"\.([a-z]+)(?:-\d+)?(?:\(\d+\))?\.executor(?:\(\d+\))?$")
_GRANT = (
    "{0} create role fimsmith-watch --verb=get,list --resource=pods,pods/log; "
    "{0} create rolebinding fimsmith-watch --role=fimsmith-watch --user=YOU"
)
_SHOWN = 15  # last lines of a failed task without a message of its own


class Watch:
    """One run and what was shown of it."""

    def __init__(self, client: Client, run: str, namespace: str):
        self._client, self._run, self._namespace = client, run, namespace
        self._ended: set[str] = set()  # tasks whose end was shown
        self._logs: dict[str, Container] = {}  # by pod
        self._stages: dict[str, str] = {}  # pod -> stage
        self._lines: dict[str, list[str]] = {}  # pod -> its last lines
        self._terminated = False
        self._blind = ""  # why logs cannot be shown, once that was said
        self._cluster = self._connect()

    def _connect(self) -> Cluster | None:
        try:
            return Cluster(self._namespace)
        except FimsmithError:
            self._say_blind("no access to the cluster", "set KUBECONFIG")
            return None

    def _say_blind(self, why: str, fix: str) -> None:
        """Say once that only the ends of the stages can be shown."""
        if not self._blind:
            self._blind = f"{why}; fix: {fix}"
            say("submit", f"the stages' own lines cannot be shown: {self._blind}")

    def run(self) -> None:
        """Show the run until it ends; raises JobError unless it succeeds."""
        answered = time.monotonic()
        while True:
            try:
                state = self._look()
                answered = time.monotonic()
            except (ApiException, HTTPError, OSError) as error:
                self._check(error)
                if time.monotonic() - answered > _PATIENCE:
                    raise JobError(f"Kubeflow Pipelines no longer answers ({error}); the run may go on") from error
                state = None
            if state in _ENDED:
                break
            time.sleep(_PAUSE)
        if state != "SUCCEEDED":
            raise self._failure(state or "")
        say("submit", "the run has succeeded")

    def _check(self, error: Exception) -> None:
        """Raise JobError for an answer that asking again does not change."""
        status = getattr(error, "status", None) or 0
        if status == 404:
            raise JobError(f"there is no run {self._run} on this Kubeflow Pipelines; fimsmith submit prints a run's id")
        if 400 <= status < 500 and status not in (408, 429):
            raise JobError(f"Kubeflow Pipelines does not show the run {self._run}: {explain(error)}")

    def _look(self) -> str:
        """Show what is new and return the run's state."""
        run: Any = self._client.get_run(self._run)
        self._terminated = run.state in _CANCELLED or any(each.state in _CANCELLED for each in run.state_history or [])
        self._show_logs()
        for task in (run.run_details.task_details if run.run_details else None) or []:
            self._show(task)
        return run.state or ""

    def _show(self, task: Any) -> None:
        match = _TASK.fullmatch(task.display_name or "")
        if match is None or task.task_id in self._ended or task.state not in _ENDED:
            return
        self._ended.add(task.task_id)
        words = {"SUCCEEDED": "done", "SKIPPED": "reused (Kubeflow's cache)", "FAILED": "FAILED"}
        seconds = (task.end_time - task.start_time).total_seconds()
        say(match[1], f"{words.get(task.state, task.state.lower())}, {duration(seconds)}")

    def _show_logs(self) -> None:
        """Show the stages' progress lines."""
        if self._cluster is None:
            return
        try:
            for pod in self._pods(self._cluster):
                if pod not in self._logs:
                    self._logs[pod] = Container(self._cluster, pod, "main")
                self._show_log(pod)
        except Refused as error:
            if error.status == 403:
                self._say_blind(error.message, _GRANT.format(f"kubectl -n {self._namespace}"))
        except RequestError:
            pass  # asked again at the next look

    def _show_log(self, pod: str) -> None:
        kept = self._lines.setdefault(pod, [])
        try:
            for raw in self._logs[pod].lines(wait=False):
                line = raw.decode("utf-8", "replace").rstrip()
                kept.append(line)
                if match := PROGRESS.match(line):
                    print(match[1], flush=True)
        except Refused as error:
            if error.status == 403:
                raise
            # the container has not started
        del kept[:-200]

    def _pods(self, cluster: Cluster) -> Iterator[str]:
        """The pods that execute a stage of this run."""
        for pod in self._all_pods(cluster):
            node = pod["metadata"].get("annotations", {}).get("workflows.argoproj.io/node-name", "")
            if (match := _NODE.search(node)) and match[1] in STAGES:
                name = pod["metadata"]["name"]
                self._stages[name] = match[1]
                yield name

    def _all_pods(self, cluster: Cluster) -> list[dict[str, Any]]:
        chosen = f"pipeline/runid={self._run}"
        return cluster.request("GET", PODS.format(self._namespace), labelSelector=chosen)["items"]

    def _failure(self, state: str) -> JobError:
        """Say what the failed task said: the API holds no text of an error."""
        if self._terminated:
            return JobError("the run was terminated; started again it goes on with what is finished")
        for pod, lines in self._lines.items():
            starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
            if starts:
                message = [line for line in lines[starts[-1] :] if not _NOISE.match(line)]
                return JobError("\n".join(message).removeprefix("error: ") + f"\n  log: {self._command(pod)}")
        for pod, lines in self._lines.items():
            if any("failed to execute component" in line for line in lines):
                shown = "".join(f"\n    {line}" for line in lines[-_SHOWN:])
                return JobError(f"{self._stages[pod]} failed; last lines:{shown}\n  log: {self._command(pod)}")
        if fatal := self._fatal():
            return JobError(fatal)
        hint = f" (its logs cannot be shown: {self._blind})" if self._blind else ""
        return JobError(f"the run ended as {state}: a pod could not start, or its log is gone{hint}; see its page")

    def _fatal(self) -> str | None:
        """What KFP's own part of a step said before it failed."""
        if self._cluster is None:
            return None
        with contextlib.suppress(RequestError):
            for pod in self._all_pods(self._cluster):
                if pod["status"].get("phase") != "Failed":
                    continue
                name = pod["metadata"]["name"]
                for line in self._cluster.tail(name, "main", 200).splitlines():
                    if match := _FATAL.match(line):
                        return f"Kubeflow's driver failed: {match[1]}\n  log: {self._command(name)}"
        return None

    def _command(self, pod: str) -> str:
        return f"kubectl -n {self._namespace} logs {pod} -c main"


_FATAL = re.compile(r"F\d{4} \S+ +\d+ \S+\] (.*)")
_NOISE = re.compile(r"^(?:[IWEF]\d{4} |\d{4}[-/]\d\d|time=|Traceback)")  # the launcher's own lines
