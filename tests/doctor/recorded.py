"""A cluster of recorded answers: what is not recorded is not there."""

from typing import Any

from fimsmith import config
from fimsmith.doctor.result import Result, Subject
from fimsmith.launch.answers import Refused
from fimsmith.launch.kube import Cluster

NODE = {
    "metadata": {"name": "a", "labels": {"gpu": "yes"}},
    "spec": {},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "allocatable": {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "8"},
    },
}


class Recorded(Cluster):
    """Answers a path with a body, a list of bodies (one after the other), or a Refused."""

    def __init__(self, answers: dict[str, Any]):
        self.namespace, self.answers, self.asked = "ml", answers, []

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        self.asked.append((method, path, query, body))
        answer = next((self.answers[end] for end in self.answers if path.endswith(end)), Refused(404, "not found"))
        if method == "DELETE":
            return {}
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Refused):
            raise answer
        return answer


def subject(answers: dict[str, Any], root: str = "s3://bucket/prefix", nodes: int = 1, **settings: Any) -> Subject:
    """Make a subject whose cluster gives these answers."""
    run = config.Run.model_validate({"root": root, "launcher": "pytorchjob", "nodes": nodes, "kubernetes": settings})
    return Subject(run=run, model=config.Model(path="s3://bucket/model"), cluster=Recorded(answers))


def only(results: Any) -> Result:
    """The single result of a check."""
    (result,) = list(results)
    return result
