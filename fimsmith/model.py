"""Look at the base model before anything is spent: its files, its family, its sentinels."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fimsmith import config, storage
from fimsmith.errors import ModelError
from fimsmith.manifest import Manifest
from fimsmith.progress import say
from fimsmith.tokenizer import SourceTokenizer

_LONGEST_HEADER = 100_000_000  # bytes, the format's own limit
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
    if not tokenizer.by_line:
        say(
            "model",
            "how this tokenizer splits text is not known here; fim encodes every piece anew, several times slower",
        )
    vocabulary = _number(settings, "vocab_size", files.uri)
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
            "context": _number(settings, "max_position_embeddings", files.uri),
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


def _number(settings: dict, name: str, uri: str) -> int:
    value = settings.get(name) or 0
    if not isinstance(value, int):
        raise ModelError(f"{uri}/config.json: {name} is {value!r}, not a whole number; fetch the model again")
    return value


def tensors(path: Path) -> set[str]:
    """Return the names of the tensors in a safetensors file; raises ModelError when the file is cut short.

    The format: 8 bytes that hold the header's length, the header in JSON, the data it tells the ends of.
    """
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, _LONGEST_HEADER)))
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = 8 + length + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; mend its permissions") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no safetensors file; fetch the model again") from error
    if end != path.stat().st_size:
        raise ModelError(f"{path} holds {path.stat().st_size:,} bytes of {end:,}; fetch the model again")
    return set(entries)


def _local(location: str) -> _Files:
    folder = storage.local(location).absolute()
    try:
        found = folder.is_dir() and os.listdir(folder) is not None
    except OSError as error:
        raise ModelError(f"cannot read {folder}: {error.strerror}; mend its permissions") from error
    if not found:
        raise ModelError(
            f"no model at {folder}; set model.path to a Hugging Face folder, or make a tiny one there: fimsmith tiny-model CONFIG"
        )
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}
    for name in sizes:
        if name.endswith(".safetensors"):
            tensors(folder / name)
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
