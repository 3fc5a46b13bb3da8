"""One training of the tiny model on two processes, looked at from all sides; a second one that is interrupted."""

import itertools
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fimsmith import config, launch, model
from fimsmith.errors import JobError
from fimsmith.manifest import Manifest
from fimsmith.train import checkpoint, metrics

pytestmark = pytest.mark.slow

DRIVER = """
import json, sys
from fimsmith import config, launch
from fimsmith.errors import FimsmithError
from fimsmith.manifest import Manifest

section, run, base, packed = json.load(open(sys.argv[1]))
try:
    made = launch.train(config.Train(**section), config.Run(**run), Manifest(**base), Manifest(**packed))
except FimsmithError as error:
    sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def in_levels(packed: Manifest) -> Manifest:
    """The packed data as of mix.order easy_first: whoever resumes has to find the place in that order too."""
    return packed.model_copy(update={"details": {"levels": [{"sequences": count} for count in (16, 20, 12)]}})


@pytest.fixture(scope="module")
def trained(
    in_levels: Manifest, tiny_manifest: Manifest, section: Callable[..., config.Train], tmp_path_factory
) -> Manifest:
    run = config.Run(root=str(tmp_path_factory.mktemp("trained")), processes=2)
    return launch.train(section(), run, tiny_manifest, in_levels)


def test_full_training_on_two_processes_lowers_the_validation_loss(trained: Manifest):
    assert trained.metrics["eval_loss"] < trained.metrics["eval_loss_before"] - 0.5
    assert trained.metrics["steps"] == 12


def test_the_saved_model_has_the_loss_that_was_measured_last(trained: Manifest, packed: Manifest):
    assert loss(trained.folder / "model", packed) == pytest.approx(trained.metrics["eval_loss"], rel=1e-5)


def test_the_tokenizer_files_are_the_base_models(trained: Manifest, tiny: Path):
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        assert (trained.folder / "model" / name).read_bytes() == (tiny / name).read_bytes()


def test_the_configuration_can_be_read_by_old_and_new_servers(trained: Manifest, tiny: Path):
    before = json.loads((tiny / "config.json").read_bytes())
    after = json.loads((trained.folder / "model" / "config.json").read_bytes())
    for name in ("rope_theta", "rope_scaling", "use_cache", "vocab_size"):
        assert after[name] == before[name]
    assert after["rope_parameters"]["rope_theta"] == before["rope_theta"]
    assert after["rope_parameters"]["factor"] == before["rope_scaling"]["factor"]


def test_the_result_describes_itself_as_the_base_model_does(trained: Manifest, tiny_manifest: Manifest):
    assert trained.details.items() >= tiny_manifest.details.items()
    assert trained.details["base"] == tiny_manifest.digest
    assert model.describe(config.Model(path=str(model.weights(trained)))).details == tiny_manifest.details


def test_only_the_model_and_the_log_are_left(trained: Manifest):
    assert {name.split("/")[0] for name in trained.files} == {"model", "log"}


def test_every_step_has_one_line_of_metrics(trained: Manifest):
    lines = metrics.read(trained.folder / "log" / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(13))
    assert [line["step"] for line in lines if "eval_loss" in line] == [0, 6, 12]
    assert trained.metrics["train_loss"] == pytest.approx((lines[-1]["train_loss"] + lines[-2]["train_loss"]) / 2)


@pytest.fixture(scope="module")
def interrupted(
    in_levels: Manifest, tiny_manifest: Manifest, section: Callable[..., config.Train], tmp_path_factory
) -> "Interrupted":
    """The same training, stopped by SIGTERM, then killed, with a torn checkpoint beside the complete ones, then finished."""
    home = tmp_path_factory.mktemp("interrupted")
    run = config.Run(root=str(home), processes=2)
    parts = (section(), run, tiny_manifest, in_levels)
    (home / "arguments.json").write_text(json.dumps([part.model_dump(mode="json") for part in parts]))
    story = Interrupted(home)
    with story.driver() as driver:
        story.wait_for_step(2)
        driver.send_signal(signal.SIGTERM)
        story.stopped = driver.communicate(timeout=120)[0]
    story.saved = [path.name for path in story.checkpoints()]
    with story.driver() as driver:
        story.wait_for_step(9)
        story.kill_workers()
        story.killed = driver.communicate(timeout=120)[0]
    torn = story.checkpoints()[-1].with_name("checkpoint-11")
    shutil.copytree(story.checkpoints()[-1], torn)
    next(torn.rglob("*optim_states.pt")).write_bytes(b"torn")
    with story.driver() as driver:
        story.finished = driver.communicate(timeout=120)[0]
    return story


class Interrupted:
    """What happened to the training that was interrupted."""

    stopped = killed = finished = ""  # what each launcher printed
    saved: list[str]  # checkpoints after SIGTERM

    def __init__(self, home: Path):
        self.home = home

    def driver(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", DRIVER, str(self.home / "arguments.json")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wait_for_step(self, step: int) -> None:
        """Wait until metrics.jsonl has the step."""
        for _ in range(1200):
            found = [
                line["step"] for path in self.home.glob("train/*/log/metrics.jsonl") for line in metrics.read(path)
            ]
            if found and found[-1] >= step:
                return
            time.sleep(0.05)
        pytest.fail(f"step {step} was not reached")

    def checkpoints(self) -> list[Path]:
        return sorted(self.home.glob("train/*/checkpoints/checkpoint-*"), key=checkpoint.step)

    def kill_workers(self) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:  # it ended
                continue
            if b"fimsmith.train" in words and b"torch.distributed.run" not in words and str(self.home) in str(words):
                os.kill(int(path.parent.name), signal.SIGKILL)

    @property
    def result(self) -> Manifest:
        (path,) = self.home.glob("train/*/manifest.json")
        return Manifest.read(path)


def test_a_signal_stops_after_a_checkpoint_and_says_how_to_go_on(interrupted: Interrupted):
    assert "as asked, after a checkpoint; run the same command again to go on" in interrupted.stopped
    assert "Traceback" not in interrupted.stopped
    assert int(interrupted.stopped.split("stopped at step ")[1].split()[0]) == int(interrupted.saved[-1].split("-")[1])


def test_a_killed_worker_is_named_with_the_memory_it_had(interrupted: Interrupted):
    assert "killed by SIGKILL, probably for want of memory (it had" in interrupted.killed


def test_a_killed_training_goes_on_at_its_last_complete_checkpoint(interrupted: Interrupted):
    assert "ignoring checkpoint-11: it is not complete" in interrupted.finished
    assert "from step 8" in interrupted.finished


def test_an_interrupted_training_ends_with_the_same_bytes(interrupted: Interrupted, trained: Manifest):
    weights = [(made.folder / "model" / "model.safetensors").read_bytes() for made in (interrupted.result, trained)]
    assert weights[0] == weights[1]
    assert interrupted.result.digest == trained.digest
    assert interrupted.result.metrics == trained.metrics


def test_an_interrupted_training_has_the_same_steps_in_its_metrics(interrupted: Interrupted, trained: Manifest):
    both = [metrics.read(made.folder / "log" / "metrics.jsonl") for made in (interrupted.result, trained)]
    for mine, other in zip(*both, strict=True):
        assert {k: v for k, v in mine.items() if "time" not in k and "second" not in k} == {
            k: v for k, v in other.items() if "time" not in k and "second" not in k
        }


def test_lora_gives_an_adapter_and_merged_weights_with_the_same_logits(
    packed: Manifest, tiny_manifest: Manifest, section: Callable[..., config.Train], tmp_path: Path
):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    chosen = section(method="lora", gradient_checkpointing=True, max_steps=6, learning_rate=2e-2)
    made = launch.train(chosen, config.Run(root=str(tmp_path), processes=2), tiny_manifest, packed)
    base = AutoModelForCausalLM.from_pretrained(tiny_manifest.folder, dtype="float32")
    merged = AutoModelForCausalLM.from_pretrained(made.folder / "model", dtype="float32")
    ids = sequences(packed)[0]["input_ids"][None]
    before = base(ids).logits
    adapted = PeftModel.from_pretrained(base, made.folder / "adapter")(ids).logits
    assert (adapted - merged(ids).logits).abs().max() < 1e-4
    assert (adapted - before).abs().max() > 0.1
    assert made.metrics["eval_loss"] < made.metrics["eval_loss_before"] - 0.1
    assert str(tmp_path) not in (made.folder / "adapter" / "adapter_config.json").read_text()
    assert loss(made.folder / "model", packed) == pytest.approx(made.metrics["eval_loss"], rel=1e-4)


def test_a_loss_that_is_not_finite_ends_the_training_with_its_step_and_the_fix(
    packed: Manifest, tiny_manifest: Manifest, section: Callable[..., config.Train], tmp_path: Path
):
    wild = section(learning_rate=1e30, precision="bf16", zero_stage=2, warmup=0.0)
    with pytest.raises(JobError, match=r"not a finite number at step [12]; lower train.learning_rate \(now 1e\+30\)"):
        launch.train(wild, config.Run(root=str(tmp_path)), tiny_manifest, packed)


def sequences(packed: Manifest) -> list[dict]:
    from fimsmith.packed import PackedReader
    from fimsmith.train import data

    reader = PackedReader(packed.folder, "valid")
    return [data.sequence(reader, index) for index in range(len(reader))]


def loss(folder: Path, packed: Manifest) -> float:
    """Compute the mean loss of the validation split's learned tokens, sample by sample without packing."""
    import torch
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    total = count = 0.0
    for row in sequences(packed):
        starts = [*(row["position_ids"] == 0).nonzero().flatten().tolist(), len(row["labels"])]
        for start, end in itertools.pairwise(starts):
            ids, labels = row["input_ids"][None, start:end], row["labels"][start:end]
            with torch.no_grad():
                scores = loaded(ids).logits[0, :-1].log_softmax(-1)
            learned = labels[1:] != -100
            total -= scores[learned].gather(1, labels[1:][learned][:, None]).sum().item()
            count += learned.sum().item()
    assert math.isfinite(total)
    return total / count
