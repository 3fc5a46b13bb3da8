"""The doctor says which account may not do what, and how the jobs' account and secret fall short."""

from typing import Any

import pytest
from recorded import only, subject

from fimsmith.doctor import rights
from fimsmith.launch.kube import Refused

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
