"""The doctor says which account may not do what, and how the jobs' account and secret fall short."""

import inspect
import json
from types import SimpleNamespace
from typing import Any

import pytest
from recorded import Recorded, only, subject

from fimsmith.doctor import rights
from fimsmith.launch.answers import Refused
from fimsmith.launch.kube import Cluster, Home

ME = {"status": {"userInfo": {"username": "jane"}}}
RUNNER = {"/serviceaccounts/pipeline-runner": {}}


def answer(allowed: bool) -> dict[str, Any]:
    return {"status": {"allowed": allowed}}


def test_the_runner_account_is_judged_beside_the_asking_one():
    answers = {
        "selfsubjectreviews": ME,
        "selfsubjectaccessreviews": answer(True),
        "localsubjectaccessreviews": answer(False),
    }
    mine, runner = rights.reviewed(subject({**answers, **RUNNER}))
    assert mine.ok
    assert mine.text.startswith("jane may")
    assert runner.ok is False
    assert "system:serviceaccount:ml:pipeline-runner may not create" in runner.text
    assert "--serviceaccount=ml:pipeline-runner" in runner.fix


def test_an_account_that_may_not_be_asked_for_is_not_judged():
    refused = Refused(403, "cannot create resource localsubjectaccessreviews")
    answers = {"selfsubjectreviews": ME, "selfsubjectaccessreviews": answer(True), "localsubjectaccessreviews": refused}
    assert [result.ok for result in rights.reviewed(subject({**answers, **RUNNER}))] == [True, None]


class Reviewed(Recorded):
    """A cluster on which everybody may do everything but some verbs."""

    def __init__(self, *forbidden: tuple[str, str]):
        super().__init__({"selfsubjectreviews": ME, **RUNNER})
        self.forbidden = forbidden

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        if not path.endswith("accessreviews"):
            return super().request(method, path, body, **query)
        asked = body["spec"]["resourceAttributes"]
        return answer((asked["verb"], asked["resource"]) not in self.forbidden)


def reviews(*forbidden: tuple[str, str]) -> list[rights.Result]:
    examined = subject({})
    examined.cluster = Reviewed(*forbidden)
    return list(rights.reviewed(examined))


def test_a_right_that_a_launcher_does_without_is_no_fault_but_its_loss_is_told():
    mine, runner = reviews(("list", "events"), ("deletecollection", "pods"))
    for result in (mine, runner):
        assert result.ok
        assert "may not deletecollection pods: pods that hang" in result.text
        assert "may not list events: the reason" in result.text


def test_only_the_account_of_the_steps_is_asked_whether_it_sees_runs():
    mine, runner = reviews(("get", "workflows"), ("watch", "workflows"))
    assert "workflows" not in mine.text
    assert "may not get, watch workflows.argoproj.io: a step whose pod is evicted" in runner.text


def test_the_proposed_role_holds_all_rights_and_each_account_has_a_binding_of_its_own():
    mine, runner = reviews(("create", "pytorchjobs"))
    for result, binding in ((mine, "fimsmith-jane"), (runner, "fimsmith-pipeline-runner")):
        _, role, bind = result.fix.splitlines()
        assert json.loads(role.split("'")[1])["rules"] == rights.rules()
        assert f"create rolebinding {binding} --role=fimsmith" in bind


JOB = {"metadata": {"name": "j", "uid": "1"}}
CALLS: dict[str, tuple[Any, ...]] = {
    "create": ({},),
    "job": ("j",),
    "delete": (JOB, "Background"),
    "adopt": (JOB, {}, {}),
    "pods": ("j",),
    "look": ("j", print),
    "patiently": (lambda: None, print),
    "pod": ("p",),
    "end_pods": ("j", 1),
    "forget": ("p",),
    "events": ("j",),
    "follow": ("p", "c", None),
    "tail": ("p", "c", 1),
    "workflow": (Home("ml", "w"),),
    "watch_workflow": (Home("ml", "w"),),
}


class Noting(Cluster):
    """Note for each request the right that it takes, and refuse what is forbidden."""

    def __init__(self, forbidden: str = ""):
        self.namespace, self.forbidden, self.taken = "ml", forbidden, set()

    def _open(self, method: str, path: str, query: dict[str, Any], *_: Any, **__: Any) -> Any:
        start, _, rest = path.partition("/namespaces/ml/")
        resource, *named = rest.split("/")
        group = start.split("/")[2] if start.startswith("/apis/") else ""
        verbs = {"POST": "create", "GET": "watch" if "watch" in query else "list", "DELETE": "deletecollection"}
        verb = method.lower() if named else verbs[method]
        self.taken.add((group, "/".join([resource, *named[1:]]), verb))
        if verb == self.forbidden:
            raise Refused(403, "forbidden")
        return SimpleNamespace(data=b'{"items": []}', stream=lambda *_, **__: iter([]), close=lambda: None)


def call(cluster: Cluster, name: str) -> None:
    made = getattr(cluster, name)(*CALLS[name], **({"wait": True} if name == "follow" else {}))
    if inspect.isgenerator(made):
        list(made)


def test_the_rights_are_those_that_the_requests_of_a_launcher_take():
    methods = {name for name, _ in inspect.getmembers(Cluster, inspect.isfunction) if not name.startswith("_")}
    assert methods - {"request", "find"} == set(CALLS)
    cluster = Noting()
    for name in CALLS:
        call(cluster, name)
    granted = {(rule["apiGroups"][0], rule["resources"][0], verb) for rule in rights.rules() for verb in rule["verbs"]}
    assert cluster.taken == granted


@pytest.mark.parametrize(
    ("name", "verb"), [("end_pods", "deletecollection"), ("forget", "delete"), ("events", "list"), ("adopt", "patch")]
)
def test_a_launcher_does_without_what_is_only_useful(name: str, verb: str):
    cluster = Noting(verb)
    call(cluster, name)
    ((group, resource, taken),) = cluster.taken
    assert taken in rights._USEFUL[group, resource][0]


def test_a_missing_account_is_a_fault():
    result = only(rights.account(subject({})))
    assert result.ok is False
    assert "create serviceaccount fimsmith-job" in result.fix


def test_a_missing_secret_is_no_fault_because_of_cloud_identities():
    assert only(rights.secret(subject({}))).ok is None


def test_a_secret_with_other_names_is_a_fault_and_its_values_stay_unsaid():
    found = {"/secrets/fimsmith-s3": {"data": {"accesskey": "c2VjcmV0", "secretkey": "c2VjcmV0"}}}
    result = only(rights.secret(subject(found)))
    assert result.ok is False
    assert "it has accesskey, secretkey" in result.text
    assert "c2VjcmV0" not in str(result)


@pytest.mark.parametrize("check", [rights.account, rights.secret])
def test_a_lack_of_rights_is_told_by_refusal(check):
    everything = {"": Refused(403, "forbidden")}
    with pytest.raises(Refused):
        list(check(subject(everything)))
