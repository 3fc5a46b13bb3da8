"""Complete the test prompts by greedy decoding, one batch after the other, and remember each batch.

An interrupted evaluation goes on after the last finished batch. Batches are fixed by the prompts
alone, because the numbers of a batch depend in the last bit on what is in it.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel

from fimsmith import config, storage
from fimsmith.errors import JobError, ModelError
from fimsmith.evaluate import causal, likelihood
from fimsmith.family import Format
from fimsmith.progress import Progress, say
from fimsmith.tokenizer import SourceTokenizer

FILE = "generations.jsonl"
_PARTIAL = "generations.partial.jsonl"  # one line per finished batch
_COPIED = ("priority", "file", "path", "kind", "policy")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """The model under test: its folder and its sentinels."""

    folder: Path
    format: Format


def complete(subject: Subject, section: config.Evaluate, rows: Sequence[Row], folder: Path) -> list[Row]:
    """Write generations.jsonl, sorted by priority, and return its rows.

    A row holds the completion, its length in tokens, whether a stop token ended it, and the loss
    of the true middle. Raises ModelError for a model whose loss is not a number.
    """
    final, partial = folder / FILE, folder / _PARTIAL
    if not final.exists():
        made = _finished(partial)
        _continue(subject, section, _batches(rows, section.batch), made, partial)
        ordered = sorted((row for batch in made for row in batch), key=lambda row: row["priority"])
        storage.write_atomically(final, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ordered))
    partial.unlink(missing_ok=True)
    return [json.loads(line) for line in final.read_text(encoding="utf-8").split("\n") if line]


def greedy(
    model: PreTrainedModel, format: Format, prompts: Sequence[Sequence[int]], limit: int
) -> list[tuple[list[int], bool]]:
    """Return for each prompt the ids that follow, without the stop token, and whether there was one.

    `limit` counts new tokens.
    """
    ids, mask = causal.pad_left(prompts, format.pad, model.device)
    settings = GenerationConfig(
        max_new_tokens=limit, do_sample=False, num_beams=1, eos_token_id=format.stops, pad_token_id=format.pad
    )
    made: Any = model.generate(ids, attention_mask=mask, generation_config=settings)  # pyright: ignore[reportCallIssue]
    return [_until(row, set(format.stops)) for row in made[:, ids.shape[1] :].tolist()]


def _until(ids: list[int], stops: set[int]) -> tuple[list[int], bool]:
    end = next((place for place, token in enumerate(ids) if token in stops), None)
    return (ids, False) if end is None else (ids[:end], True)


def _batches(rows: Sequence[Row], size: int) -> list[list[Row]]:
    """Prompts of similar length together; the longest first, so that too little memory shows at once."""
    ordered = sorted(rows, key=lambda row: (-len(row["prompt"]), row["priority"]))
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _finished(path: Path) -> list[list[Row]]:
    """The batches that an interrupted run wrote; a line cut short is removed from the file."""
    if not path.exists():
        return []
    done, size = [], 0
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        try:
            done.append(json.loads(line))
        except ValueError:
            break
        size += len(line)
    with open(path, "r+b") as file:
        file.truncate(size)
    return done


def _continue(
    subject: Subject, section: config.Evaluate, batches: list[list[Row]], made: list[list[Row]], path: Path
) -> None:
    """Append what is missing to `made` and to the file."""
    if made:
        say("evaluate", f"going on after {sum(map(len, made)):,} finished samples")
    rest = batches[len(made) :]
    if not rest:
        return
    progress = Progress("evaluate", "samples", sum(map(len, rest)))
    with open(path, "a", encoding="utf-8") as file:
        for batch in _run(subject, section, rest):
            file.write(json.dumps(batch, ensure_ascii=False) + "\n")
            file.flush()
            made.append(batch)
            progress.add(len(batch), tokens=sum(row["tokens"] for row in batch))


def _run(subject: Subject, section: config.Evaluate, batches: list[list[Row]]) -> Iterator[list[Row]]:
    tokenizer = SourceTokenizer(subject.folder, subject.format.family)
    model = causal.load(subject.folder, section.precision)
    say("evaluate", f"completing on {_place(model)} in {section.precision}, {section.batch} prompts at a time")
    for batch in batches:
        try:
            yield _rows(model, tokenizer, batch, section.max_new_tokens)
        except torch.OutOfMemoryError as error:
            longest = max(len(row["prompt"]) for row in batch)
            raise JobError(
                f"the GPU's memory does not hold {section.batch} prompts of up to {longest:,} tokens; "
                f"set evaluate.batch to {max(1, section.batch // 2)}"
            ) from error


def _place(model: PreTrainedModel) -> str:
    return torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else "the CPU"


def _rows(model: PreTrainedModel, tokenizer: SourceTokenizer, batch: list[Row], limit: int) -> list[Row]:
    prompts, targets = [row["prompt"] for row in batch], [row["target"] for row in batch]
    losses = likelihood.losses(model, tokenizer.format.pad, prompts, targets)
    completions = greedy(model, tokenizer.format, prompts, limit)
    made = []
    for row, loss, (ids, stopped) in zip(batch, losses, completions, strict=True):
        if not math.isfinite(loss):
            raise ModelError(
                f"the model's loss on {row['path']} is {loss}: its weights are broken; "
                "when it was trained, lower train.learning_rate"
            )
        result = {"completion": _text(tokenizer, ids), "tokens": len(ids), "stopped": stopped, "loss": loss}
        made.append({**{name: row[name] for name in _COPIED}, **result})
    return made


def _text(tokenizer: SourceTokenizer, ids: list[int]) -> str:
    """Decode behind a sentinel: some decoders drop the space that begins a text."""
    end = tokenizer.format.end
    return tokenizer.decode([end, *ids]).removeprefix(tokenizer.decode([end]))
