"""Look at the base model before anything is spent: its files, its family, its sentinels."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from fimsmith import config, storage
from fimsmith.errors import ModelError
from fimsmith.manifest import Manifest
from fimsmith.tokenizer import SourceTokenizer


def describe(section: config.Model) -> Manifest:
    """Return a manifest of the model folder; raises ModelError for anything that would fail later.

    `details` holds `format` (sentinel ids), `vocabulary` (rows of the embedding),
    `tokenizer` (digest of tokenizer.json) and `context` (longest sequence in tokens).
    """
    folder = storage.local(section.path).absolute()
    if not folder.is_dir():
        raise ModelError(
            f"no model at {folder}; set model.path to a Hugging Face folder, or make a tiny one there: fimsmith tiny-model CONFIG"
        )
    settings = _settings(folder)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelError(
            f"{folder} holds no *.safetensors weights; convert the model with save_pretrained(safe_serialization=True)"
        )
    tokenizer = SourceTokenizer(folder, section.family)
    vocabulary = int(settings["vocab_size"])
    highest = max(
        tokenizer.format.begin, tokenizer.format.hole, tokenizer.format.end, tokenizer.format.stop, tokenizer.format.pad
    )
    if highest >= vocabulary:
        raise ModelError(
            f"{folder}: token {highest} is outside the embedding of {vocabulary} rows; tokenizer and model do not belong together"
        )
    digest = hashlib.sha256()
    names = [folder / "config.json", folder / "tokenizer.json", *weights]
    for path in names:
        digest.update(f"{path.name}\0{storage.sha256(path)}\n".encode())
    return Manifest(
        stage="model",
        fingerprint=digest.hexdigest()[:16],
        digest=digest.hexdigest()[:16],
        uri=str(folder),
        files={path.name: path.stat().st_size for path in names},
        metrics={"weights_bytes": sum(path.stat().st_size for path in weights)},
        details={
            "family": tokenizer.format.family,
            "format": asdict(tokenizer.format),
            "vocabulary": vocabulary,
            "context": int(settings.get("max_position_embeddings", 0)),
            "architecture": settings.get("model_type", ""),
            "tokenizer": storage.sha256(folder / "tokenizer.json")[:16],
            "attention": section.attention,
        },
    )


def _settings(folder: Path) -> dict:
    path = folder / "config.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        return {"vocab_size": settings["vocab_size"], **settings}
    except FileNotFoundError:
        raise ModelError(f"{folder} holds no config.json; it is not a Hugging Face model folder") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is not a model configuration: {error!r}") from error


def weights(manifest: Manifest) -> Path:
    """Return the Hugging Face folder of a base model's or a finished training's manifest."""
    return manifest.folder / "model" if manifest.stage == "train" else manifest.folder
