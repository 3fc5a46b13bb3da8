"""Inputs of the evaluation and the export without the stages before them."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from fimsmith import model, records
from fimsmith.manifest import Manifest
from fimsmith.tokenizer import SourceTokenizer

KINDS = ("line", "statements", "expression")
LEARNED = 6  # rows that the taught model knows
_CONTEXT = 160  # characters on each side of a hole


def test_rows(corpus: Path, tokenizer: SourceTokenizer, count: int) -> list[dict[str, Any]]:
    """Cut holes of one or two lines out of the corpus' Java files, at most two per file."""
    rows = []
    for path in sorted(corpus.rglob("*.java")):
        text = path.read_text(encoding="utf-8", errors="replace")
        ends = [place for place, sign in enumerate(text) if sign == "\n"]
        for number, share in enumerate((3, 5)):
            at = len(ends) * share // 7
            start, end = ends[at] + 1, ends[min(at + 1 + number, len(ends) - 1)]
            if end - start > 8 and text[start:end].strip():
                rows.append(_row(tokenizer, path.relative_to(corpus).as_posix(), text, (start, end), len(rows)))
        if len(rows) >= count:
            break
    return sorted(rows[:count], key=lambda row: row["priority"])


test_rows.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]


def _row(tokenizer: SourceTokenizer, path: str, text: str, hole: tuple[int, int], number: int) -> dict[str, Any]:
    prefix, middle, suffix = text[max(0, hole[0] - _CONTEXT) : hole[0]], text[slice(*hole)], text[hole[1] :][:_CONTEXT]
    prompt = tokenizer.format.prompt(tokenizer.encode(prefix), tokenizer.encode(suffix))
    return {
        "priority": hashlib.sha256(f"{path} {number}".encode()).hexdigest()[:16],
        "file": hashlib.sha256(path.encode()).hexdigest(),
        "group": "business",
        "repository": "shop",
        "path": path,
        "policy": "line" if KINDS[number % 3] == "line" else "node",
        "kind": KINDS[number % 3],
        "start": len(text[: hole[0]].encode()),
        "end": len(text[: hole[1]].encode()),
        "prefix": prefix,
        "middle": middle,
        "suffix": suffix,
        "prompt": prompt,
        "target": [*tokenizer.encode(middle), tokenizer.format.stop],
    }


def shards(rows: list[dict[str, Any]], folder: Path, count: int) -> list[Manifest]:
    """Deal the rows out to the manifests of so many FIM shards."""
    made = []
    for shard in range(count):
        home = folder / f"{count}-{shard}"
        home.mkdir(parents=True)
        records.write(home / "test.parquet", records.TEST, rows[shard::count])
        made.append(manifest("fim", home))
    return made


def manifest(stage: str, folder: Path, **details: Any) -> Manifest:
    """A finished stage's manifest of a folder."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return Manifest(
        stage=stage, fingerprint=digest, digest=digest, uri=str(folder), files=files, metrics={}, details=details
    )


def teach(base: Manifest, rows: list[dict[str, Any]], folder: Path) -> Manifest:
    """Train the base on the rows until it knows their middles by heart, as stage train would leave it."""
    import torch
    from transformers import AutoModelForCausalLM

    source, home = model.weights(base), folder / "model"
    torch.set_num_threads(1)  # threads that wait for one another are slow where many tests run
    torch.manual_seed(0)
    pupil = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    width = max(len(row["prompt"]) + len(row["target"]) for row in rows)
    ids = torch.full((len(rows), width), base.details["format"]["pad"])
    labels = torch.full((len(rows), width), -100)
    for place, row in enumerate(rows):
        whole = torch.tensor([*row["prompt"], *row["target"]])
        ids[place, : len(whole)] = whole
        labels[place, len(row["prompt"]) : len(whole)] = torch.tensor(row["target"])
    optimizer = torch.optim.AdamW(pupil.parameters(), lr=4e-3)
    for _ in range(150):
        loss = pupil(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if loss.item() < 0.01:
            break
    pupil.save_pretrained(home)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copyfile(source / name, home / name)
    settings = json.loads((home / "config.json").read_bytes()) | {"use_cache": False}  # as a trainer leaves it
    (home / "config.json").write_text(json.dumps(settings))
    return manifest("train", folder, **base.details)
