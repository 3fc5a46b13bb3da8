"""Look at the base model before anything is spent: its files, its family, its sentinels."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fimsmith import config, storage
from fimsmith.errors import ModelError
from fimsmith.manifest import Manifest
from fimsmith.tokenizer import SourceTokenizer

_OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx")  # formats that nothing here reads


def describe(section: config.Model) -> Manifest:
    """Return a manifest of the model folder; raises ModelError for anything that would fail later.

    `details` holds `format` (sentinel ids), `vocabulary` (rows of the embedding),
    `tokenizer` (digest of tokenizer.json) and `context` (longest sequence in tokens).
    """
    files = _remote(section.path) if storage.is_remote(section.path) else _local(section.path)
    weights = [name for name in files.sizes if name.endswith(".safetensors")]
    if not weights:
        raise ModelError(
            f"{files.uri} holds no *.safetensors weights; convert the model with save_pretrained(safe_serialization=True)"
        )
    settings = _settings(files)
    tokenizer = SourceTokenizer(files.path("tokenizer.json").parent, section.family)
    vocabulary = int(settings["vocab_size"])
    highest = max(
        tokenizer.format.begin, tokenizer.format.hole, tokenizer.format.end, tokenizer.format.stop, tokenizer.format.pad
    )
    if highest >= vocabulary:
        raise ModelError(
            f"{files.uri}: token {highest} is outside the embedding of {vocabulary} rows; tokenizer and model do not belong together"
        )
    digest = hashlib.sha256()
    for name in ("config.json", "tokenizer.json", *weights):
        digest.update(f"{name}\0{files.tag(name)}\n".encode())
    return Manifest(
        stage="model",
        fingerprint=digest.hexdigest()[:16],
        digest=digest.hexdigest()[:16],
        uri=files.uri,
        files=files.sizes,
        metrics={"weights_bytes": sum(files.sizes[name] for name in weights)},
        details={
            "family": tokenizer.format.family,
            "format": asdict(tokenizer.format),
            "vocabulary": vocabulary,
            "context": int(settings.get("max_position_embeddings", 0)),
            "architecture": settings.get("model_type", ""),
            "tokenizer": storage.sha256(files.path("tokenizer.json"))[:16],
            "attention": section.attention,
        },
    )


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a model folder."""

    uri: str
    sizes: dict[str, int]  # bytes
    path: Callable[[str], Path]  # of one file on this machine
    tag: Callable[[str], str]  # changes with a file's content


def _local(location: str) -> _Files:
    folder = storage.local(location).absolute()
    if not folder.is_dir():
        raise ModelError(
            f"no model at {folder}; set model.path to a Hugging Face folder, or make a tiny one there: fimsmith tiny-model CONFIG"
        )
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}
    return _Files(str(folder), sizes, folder.joinpath, lambda name: storage.sha256(folder / name))


def _remote(location: str) -> _Files:
    """A folder in S3; the weights are not brought here, the store's entity tags stand for them."""
    uri = storage.absolute(location)
    listed = {
        name: entry
        for name, entry in sorted(storage.list_files(uri).items())
        if "/" not in name and not name.endswith(_OTHER_WEIGHTS)
    }
    if not listed:
        raise ModelError(f"no model at {uri}; copy a Hugging Face folder there: aws s3 cp --recursive FOLDER {uri}")
    sizes = {name: size for name, (size, _) in listed.items()}

    def path(name: str) -> Path:
        return storage.fetch_file(uri, name, sizes[name]) if name in sizes else storage.mirror(uri) / name

    return _Files(uri, sizes, path, lambda name: f"{sizes[name]} {listed[name][1]}")


def _settings(files: _Files) -> dict:
    path = files.path("config.json")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        return {"vocab_size": settings["vocab_size"], **settings}
    except FileNotFoundError:
        raise ModelError(f"{files.uri} holds no config.json; it is not a Hugging Face model folder") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is not a model configuration: {error!r}") from error


def weights(manifest: Manifest) -> Path:
    """Return the Hugging Face folder of a base model's or a finished training's manifest."""
    return manifest.folder / "model" if manifest.stage == "train" else manifest.folder
