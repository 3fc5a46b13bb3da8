"""Inputs of the fim stage: a model folder with only a tokenizer, and curated files."""

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import small_tokenizers
from fim_sources import row, write_signatures, write_snippets

from fimsmith import records
from fimsmith.manifest import Manifest
from fimsmith.tokenizer import SourceTokenizer

STYLES = {
    "deepseek": small_tokenizers.DEEPSEEK,
    "qwen": small_tokenizers.QWEN,
    "starcoder": small_tokenizers.STARCODER,
    "gpt2": small_tokenizers.QWEN,
    "llama": small_tokenizers.LLAMA,
}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with a small tokenizer by style, and the real one of DeepSeek-Coder where it is at hand."""
    home = tmp_path_factory.mktemp("tokenizers")
    made = {style: small_tokenizers.build(home / style, family, style) for style, family in STYLES.items()}
    if data := os.environ.get("FIMSMITH_TEST_DATA"):
        made["real"] = Path(data) / "deepseek-coder-tokenizer"
    return made


@pytest.fixture(params=[*STYLES, "real"], scope="session")
def folder(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    """Each tokenizer folder in turn."""
    if request.param not in folders:
        pytest.skip("FIMSMITH_TEST_DATA is not set: no tokenizer of DeepSeek-Coder")
    return folders[request.param]


@pytest.fixture(scope="session")
def tokenizer(folders: dict[str, Path]) -> SourceTokenizer:
    """A small tokenizer that works by line."""
    return SourceTokenizer(folders["deepseek"])


@pytest.fixture(scope="session")
def describe() -> Callable[[Path], Manifest]:
    """Make a model manifest of a folder that holds only a tokenizer."""

    def manifest(folder: Path) -> Manifest:
        form = SourceTokenizer(folder).format
        details = {"tokenizer": folder.name, "format": asdict(form), "family": form.family}
        return Manifest(
            stage="model", fingerprint="m", digest="m", uri=str(folder), files={}, metrics={}, details=details
        )

    return manifest


@pytest.fixture(scope="session")
def corpus(shop: Path) -> list[dict[str, Any]]:
    """The Java files of the example corpus as curated rows, a tenth each in valid and test."""
    texts = sorted({_decoded(path.read_bytes()) for path in shop.rglob("*.java")})
    splits = ["valid", "test", *["train"] * 8]
    return [row(text, splits[at % 10]) for at, text in enumerate(texts)]


@pytest.fixture
def curate(tmp_path: Path) -> Callable[[list[dict[str, Any]], int], Manifest]:
    """Write rows as the curate stage does, spread over shards."""

    def write(rows: list[dict[str, Any]], shards: int = 1) -> Manifest:
        home = tmp_path / f"curated-{shards}"
        home.mkdir()
        for shard in range(shards):
            chosen = [each for each in rows if int(each["id"], 16) % shards == shard]
            records.write(home / f"files-{shard:05d}.parquet", records.CURATED, chosen)
        write_signatures(home / "signatures.parquet", rows)
        write_snippets(home / "snippets.parquet", rows)
        return Manifest(
            stage="curate", fingerprint="c", digest=f"c{shards}", uri=str(home), files={}, metrics={}, details={}
        )

    return write


def _decoded(data: bytes) -> str:
    """One legacy file of the corpus is GB18030."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")
