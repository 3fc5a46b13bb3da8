"""Roots in S3: what is written comes back whole, is fetched once, and errors name the fix."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody

from fimsmith import config, model, storage
from fimsmith.errors import ModelError, StorageError
from fimsmith.manifest import Manifest, Outcome, produce
from fimsmith.storage import s3 as client

LARGE = 70_000_000  # bytes: more than one part


def write(folder: Path) -> Outcome:
    (folder / "deep").mkdir(exist_ok=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep" / "b.bin").write_bytes(bytes(range(256)))
    return Outcome({"n": 1}, {"x": [1]})


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Go on as another machine, whose disk is empty."""
    monkeypatch.setenv("FIMSMITH_CACHE", str(folder))


def test_a_result_is_found_again_by_another_machine(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    made = produce("mix", ["key"], [], f"{s3}/root", write)
    elsewhere(monkeypatch, tmp_path / "other")
    found = produce("mix", ["key"], [], f"{s3}/root/", lambda _: pytest.fail("built again"))
    assert found == made
    assert (found.folder / "deep" / "b.bin").read_bytes() == bytes(range(256))
    assert str(found.folder).startswith(str(tmp_path / "other"))


def test_one_file_is_fetched_without_the_others(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    made = produce("mix", ["key"], [], s3, write)
    elsewhere(monkeypatch, tmp_path / "other")
    assert made.file("a.txt").read_text() == "a"
    assert not list((tmp_path / "other").rglob("b.bin"))


def test_the_manifest_comes_last(s3: str, monkeypatch: pytest.MonkeyPatch):
    """An upload that breaks off leaves nothing that counts as finished, and the next try ends it."""

    def broken(*_: object) -> None:
        raise StorageError("the network is gone")

    with monkeypatch.context() as patched:
        patched.setattr(client, "upload", broken)
        with pytest.raises(StorageError, match="network"):
            produce("mix", ["key"], [], s3, write)
    assert storage.list_files(s3) == {}
    assert produce("mix", ["key"], [], s3, write).files.keys() == {"a.txt", "deep/b.bin"}


def test_large_files_go_in_parts_and_come_back_equal(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def large(folder: Path) -> Outcome:
        (folder / "large.bin").write_bytes(b"0123456789" * (LARGE // 10))
        return Outcome()

    made = produce("train", [], [], s3, large)
    elsewhere(monkeypatch, tmp_path / "other")
    assert storage.sha256(made.folder / "large.bin") == storage.sha256(made.file("large.bin"))
    assert (made.folder / "large.bin").stat().st_size == LARGE


def test_what_changed_size_behind_our_back_is_refused_by_name(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    made = produce("mix", ["key"], [], s3, write)
    storage.write(f"{made.uri}/a.txt", "longer")
    elsewhere(monkeypatch, tmp_path / "other")
    with pytest.raises(StorageError, match=r"a\.txt holds 6 bytes, 1 were written; delete .* and run again"):
        made.folder  # noqa: B018


@pytest.mark.parametrize("size", [1_000, LARGE])
def test_content_that_was_spoilt_is_refused_by_name(
    s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: int
):
    """One byte changes on the way, in the body that the SDK hands on; its own checksum is no help for large files."""
    (tmp_path / "a.bin").write_bytes(bytes(size))
    storage.send(tmp_path, f"{s3}/m", ["a.bin"])

    def spoil(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        content = b"x" + parsed["Body"].read()[1:]
        parsed["Body"] = StreamingBody(io.BytesIO(content), len(content))

    client._client().meta.events.register("after-call.s3.GetObject", spoil)
    with pytest.raises(StorageError, match=r"a\.bin is not what was sent .*; run again"):
        storage.receive(f"{s3}/m", tmp_path / "there", {"a.bin": size})
    assert not [path for path in (tmp_path / "there").iterdir() if path.stat().st_size]


def test_a_mirror_of_an_older_result_is_made_anew(s3: str):
    storage.write(f"{s3}/m/a.txt", "old")
    assert (storage.fetch(f"{s3}/m", {"a.txt": 3}, "1") / "a.txt").read_text() == "old"
    storage.write(f"{s3}/m/a.txt", "new")
    assert (storage.fetch(f"{s3}/m", {"a.txt": 3}, "1") / "a.txt").read_text() == "old"
    assert (storage.fetch(f"{s3}/m", {"a.txt": 3}, "2") / "a.txt").read_text() == "new"


def test_a_name_that_leads_out_of_the_folder_is_refused(s3: str, tmp_path: Path):
    with pytest.raises(StorageError, match="leads out of the folder"):
        storage.receive(f"{s3}/m", tmp_path / "here", {"../there": 1})


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3://../../../../tmp/evil", r"no '\.' and '\.\.'"),
        ("s3://bucket/a/../../../b", r"no '\.' and '\.\.'"),
        ("s3:///prefix", "names no bucket"),
    ],
)
def test_an_address_that_would_leave_the_mirror_is_refused(uri: str, message: str):
    for use in (storage.mirror, storage.read, storage.probe):
        with pytest.raises(StorageError, match=message):
            use(uri)


def test_erasing_takes_one_folder_and_not_its_namesakes(s3: str):
    for name in ("a/x", "a/y/z", "ab/x"):
        storage.write(f"{s3}/{name}", "1")
    storage.erase(f"{s3}/a")
    assert set(storage.list_files(s3)) == {"ab/x"}


def test_a_root_is_probed_and_left_clean(s3: str):
    storage.probe(f"{s3}/root")
    assert storage.list_files(s3) == {}


def test_a_policy_that_hides_what_is_missing_is_named(s3: str, monkeypatch: pytest.MonkeyPatch):
    """Without s3:ListBucket S3 answers 403 for a missing object; moto alone knows no policies."""

    def denied(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        if http_response.status_code == 404:
            parsed["Error"]["Code"] = "AccessDenied"

    client._client().meta.events.register("after-call.s3.GetObject", denied)
    for use in (storage.read, storage.probe):
        with pytest.raises(StorageError, match=r"allow that on arn:aws:s3:::bucket-\w+, without a condition"):
            use(f"{s3}/root")
    assert storage.list_files(s3) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, r"127\.0\.0\.1:9 cannot be reached .*; check AWS_ENDPOINT_URL"),
        ({"bucket": "s3://nothing-here"}, "there is no such bucket; make it, or mend run.root"),
        ({"bucket": "s3://"}, "names no bucket; write s3://bucket/prefix"),
        (
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            r"there are no credentials for S3 .*aws sso login.*set AWS_ACCESS.*in a cluster: the Secret",
        ),
    ],
)
def test_a_store_that_cannot_be_used_is_one_sentence_with_the_fix(
    s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict, message: str
):
    place = change.pop("bucket", s3)
    for name, value in change.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(client, "_ATTEMPTS", 1)
    client._client.cache_clear()
    with pytest.raises(StorageError, match=message):
        storage.probe(place)


def test_a_base_model_in_s3_is_described_without_its_weights(
    s3: str, tiny: Path, tiny_manifest: Manifest, tmp_path: Path
):
    names = [path.name for path in tiny.iterdir() if path.is_file()]
    storage.send(tiny, f"{s3}/model", names)
    storage.write(f"{s3}/model/pytorch_model.bin", "not needed")
    described = model.describe(config.Model(path=f"{s3}/model/"))
    assert described.details == tiny_manifest.details
    assert not list((tmp_path / "mirror").rglob("*.safetensors"))
    assert "pytorch_model.bin" not in described.files
    assert storage.sha256(described.folder / "model.safetensors") == storage.sha256(tiny / "model.safetensors")


def test_another_model_at_the_same_place_is_another_digest(s3: str, tiny: Path):
    storage.send(tiny, f"{s3}/model", [path.name for path in tiny.iterdir() if path.is_file()])
    before = model.describe(config.Model(path=f"{s3}/model"))
    storage.write(f"{s3}/model/model.safetensors", b"x" * before.files["model.safetensors"])
    assert model.describe(config.Model(path=f"{s3}/model")).digest != before.digest


def test_an_empty_place_in_s3_is_no_model(s3: str):
    with pytest.raises(ModelError, match=r"no model at s3://.*; copy a Hugging Face folder there"):
        model.describe(config.Model(path=f"{s3}/nothing"))


def test_a_damaged_manifest_in_s3_is_named(s3: str):
    made = produce("mix", ["key"], [], s3, write)
    storage.write(f"{made.uri}/manifest.json", json.dumps({"stage": 1}))
    with pytest.raises(StorageError, match=r"s3://.*/manifest\.json is not a readable manifest"):
        produce("mix", ["key"], [], s3, write)
