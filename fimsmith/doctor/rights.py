"""Who may start jobs, and what the jobs run as."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from fimsmith.doctor.result import Result, Subject
from fimsmith.launch.answers import Refused
from fimsmith.launch.kube import inside

_RUNNERS = ("pipeline-runner", "default-editor")  # KFP's own account: standalone, multi-user
Resource = tuple[str, str]  # API group and name
_NEEDED: dict[Resource, tuple[str, ...]] = {  # verbs without which no job is started and followed
    ("kubeflow.org", "pytorchjobs"): ("create", "get", "delete"),
    ("", "pods"): ("get", "list"),
    ("", "pods/log"): ("get",),
}
_USEFUL: dict[Resource, tuple[tuple[str, ...], str]] = {  # verbs that a launcher does without, and what is lost then
    ("kubeflow.org", "pytorchjobs"): (("patch",), "a job that is followed ends with the run that made it"),
    ("", "pods"): (("delete", "deletecollection"), "pods that hang take their own time to end"),
    ("", "events"): (("list",), "the reason why a pod cannot be made is not told"),
    ("argoproj.io", "workflows"): (("get", "watch"), "a step whose pod is evicted ends its job"),
}
_STEPS = "argoproj.io"  # what only a step of a KFP run asks for
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_REVIEWS = "/apis/authorization.k8s.io/v1"


def reviewed(subject: Subject) -> Iterator[Result]:
    """Whether this account, and the one that KFP's tasks have, may start and follow jobs."""
    me = _me(subject)
    yield _verdict(subject, me, lambda wanted: _self(subject, wanted), step=inside())
    if inside():  # this pod has the account that counts
        return
    for name in _RUNNERS:
        if _exists(subject, name):
            user = f"system:serviceaccount:{subject.namespace}:{name}"
            yield _verdict(subject, user, lambda wanted, user=user: _other(subject, user, wanted), step=True)


def _exists(subject: Subject, name: str) -> bool:
    try:
        return subject.api.find(f"/api/v1/namespaces/{subject.namespace}/serviceaccounts/{name}") is not None
    except Refused:  # who may not even see it will not be told of its rights
        return False


def account(subject: Subject) -> Iterator[Result]:
    """Whether the jobs' service account exists, and what cloud identity its annotations name."""
    name = subject.run.kubernetes.service_account
    found = subject.api.find(f"/api/v1/namespaces/{subject.namespace}/serviceaccounts/{name}")
    if found is None:
        text = f"namespace {subject.namespace} has no service account {name!r}"
        make = f"kubectl -n {subject.namespace} create serviceaccount {name}"
        yield Result(
            "account", False, text, f"helm install fimsmith charts/fimsmith -n {subject.namespace}, or: {make}"
        )
        return
    role = (found["metadata"].get("annotations") or {}).get("eks.amazonaws.com/role-arn")
    yield Result("account", True, f"{name}" + (f" with role {role}" if role else ""))


def secret(subject: Subject) -> Iterator[Result]:
    """Whether the secret with the store's keys has the keys under the names that the AWS SDK reads."""
    name = subject.run.kubernetes.secret
    if not name:
        yield Result("secret", None, "run.kubernetes.secret is null: the account's cloud identity is used")
        return
    found = subject.api.find(f"/api/v1/namespaces/{subject.namespace}/secrets/{name}")
    if found is None:
        yield Result("secret", None, f"there is no {name}: the account's cloud identity is used")
        return
    keys = sorted(found.get("data") or {})
    if missing := [key for key in _KEYS if key not in keys]:
        text = f"{name} lacks {' and '.join(missing)}; it has {', '.join(keys) or 'nothing'}"
        yield Result("secret", False, text, remake(subject))
    else:
        yield Result("secret", True, f"{name} with {', '.join(keys)}")


def remake(subject: Subject) -> str:
    """The command that makes the secret anew."""
    settings = subject.run.kubernetes
    return (
        f"kubectl -n {subject.namespace} delete secret {settings.secret} --ignore-not-found; "
        f"kubectl -n {subject.namespace} create secret generic {settings.secret} --from-literal=AWS_ACCESS_KEY_ID=… "
        "--from-literal=AWS_SECRET_ACCESS_KEY=… --from-literal=AWS_ENDPOINT_URL=… --from-literal=AWS_REGION=…"
    )


def rules() -> list[dict[str, Any]]:
    """The rules of a Role with all that a launcher uses; the chart's own Role has the same."""
    verbs = dict(_NEEDED)
    for resource, (more, _) in _USEFUL.items():
        verbs[resource] = (*verbs.get(resource, ()), *more)
    return [
        {"apiGroups": [group], "resources": [name], "verbs": list(allowed)} for (group, name), allowed in verbs.items()
    ]


def _verdict(subject: Subject, who: str, allowed: Callable[[tuple[str, str, str]], bool], *, step: bool) -> Result:
    def lacking(resource: Resource, verbs: tuple[str, ...]) -> str:
        group, name = resource
        missing = [verb for verb in verbs if not allowed((group, name, verb))]
        return f"{', '.join(missing)} {name}{group and f'.{group}'}" if missing else ""

    try:
        missing = [text for resource, verbs in _NEEDED.items() if (text := lacking(resource, verbs))]
        lost = [
            f"; may not {text}: {loss}"
            for resource, (verbs, loss) in _USEFUL.items()
            if (step or resource[0] != _STEPS) and (text := lacking(resource, verbs))
        ]
    except Refused as error:
        return Result("rights", None, f"not allowed to ask for {who}: {error.message}")
    if missing:
        text = f"{who} may not {'; '.join(missing)} in namespace {subject.namespace}"
        return Result("rights", False, text, _grant(subject, who))
    return Result(
        "rights", True, f"{who} may start, follow and delete PyTorchJobs in {subject.namespace}{''.join(lost)}"
    )


def _grant(subject: Subject, who: str) -> str:
    bind = f"--user={who}"
    if who.startswith("system:serviceaccount:"):
        bind = "--serviceaccount=" + who.removeprefix("system:serviceaccount:")
    first = f"helm upgrade --install fimsmith charts/fimsmith -n {subject.namespace} (binds KFP's account), or:"
    # `kubectl create role` gives every verb for every resource
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "fimsmith"}}
    apply = f"echo '{json.dumps(role | {'rules': rules()})}' | kubectl -n {subject.namespace} apply -f -"
    name = "fimsmith-" + re.sub(r"[^a-z0-9]+", "-", who.rpartition(":")[2].lower()).strip("-")
    return f"{first}\n{apply}\nkubectl -n {subject.namespace} create rolebinding {name} --role=fimsmith {bind}"


def _me(subject: Subject) -> str:
    try:
        told = subject.api.request(
            "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", _review({}, "SelfSubjectReview")
        )
        return told["status"]["userInfo"]["username"]
    except Refused:  # before Kubernetes 1.28
        return "this account"


def _self(subject: Subject, wanted: tuple[str, str, str]) -> bool:
    body = _review({"resourceAttributes": _attributes(subject, wanted)}, "SelfSubjectAccessReview")
    return subject.api.request("POST", f"{_REVIEWS}/selfsubjectaccessreviews", body)["status"]["allowed"]


def _other(subject: Subject, user: str, wanted: tuple[str, str, str]) -> bool:
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{subject.namespace}", "system:authenticated"]
    spec = {"user": user, "groups": groups, "resourceAttributes": _attributes(subject, wanted)}
    body = _review(spec, "LocalSubjectAccessReview")
    body["metadata"] = {"namespace": subject.namespace}
    path = f"{_REVIEWS}/namespaces/{subject.namespace}/localsubjectaccessreviews"
    return subject.api.request("POST", path, body)["status"]["allowed"]


def _attributes(subject: Subject, wanted: tuple[str, str, str]) -> dict[str, str]:
    group, resource, verb = wanted
    resource, _, sub = resource.partition("/")
    return {"namespace": subject.namespace, "group": group, "resource": resource, "subresource": sub, "verb": verb}


def _review(spec: dict[str, Any], kind: str) -> dict[str, Any]:
    group = "authentication" if kind == "SelfSubjectReview" else "authorization"
    return {"apiVersion": f"{group}.k8s.io/v1", "kind": kind, "spec": spec}
