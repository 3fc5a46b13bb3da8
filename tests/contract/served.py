"""An export in S3, a configuration that made it, and a model that answers for it."""

import json
from pathlib import Path
from typing import Any

import yaml

from fimsmith import config, configfile, storage
from fimsmith.manifest import Manifest

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.35.0-lmi17.0.0-cu128"
ROLE = "arn:aws:iam::123456789012:role/fimsmith"
FIM = {
    "family": "qwen2.5-coder",
    "template": "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
    "add_special_tokens": False,
    "special_tokens": {"begin": {"text": "<|fim_prefix|>", "id": 5}, "stop": {"text": "<|endoftext|>", "id": 9}},
    "stop": ["<|endoftext|>", "<|fim_prefix|>"],
    "stop_token_ids": [5, 9],
    "max_context": 4096,
}


def settings(root: str, **sagemaker: Any) -> config.Config:
    """A configuration whose results lie below the root."""
    return configfile.validate(tree(root, **sagemaker), "test")


def tree(root: str, **sagemaker: Any) -> dict[str, Any]:
    """The same as a plain dictionary."""
    return {
        "run": {"root": root, "sagemaker": {"role": ROLE, "endpoint": {"image": IMAGE}, **sagemaker}},
        "model": {"path": "s3://bucket/base"},
        "sources": [{"name": "code", "location": "/code"}],
        "mix": {"weights": {"code": 1.0}},
        "export": {"name": "company-coder-6.7b"},
    }


def written(path: Path, root: str, **sagemaker: Any) -> Path:
    """The same as a file."""
    path.write_text(yaml.safe_dump(tree(root, **sagemaker)))
    return path


def put_export(configuration: config.Config, name: str = "aaaa", started: float = 1.0, withheld: bool = False) -> str:
    """Write what a finished export leaves, and return its address."""
    uri = f"{configuration.run.root}/export/{name}"
    if withheld:
        files = {"WITHHELD.txt": "The gate did not pass"}
    else:
        receipt = {"configuration": configuration.model_dump(mode="json")}
        files = {"fim.json": json.dumps(FIM), "receipt.json": json.dumps(receipt), "model/config.json": "{}"}
    for path, text in files.items():
        storage.write(f"{uri}/{path}", text)
    made = Manifest(
        stage="export",
        fingerprint=name,
        digest=name,
        uri=uri,
        files={path: len(text) for path, text in files.items()},
        metrics={},
        details={"withheld": withheld, "name": configuration.export.name},
        started=started,
    )
    storage.write(f"{uri}/manifest.json", made.model_dump_json())
    return uri


def answering(text: str = "items") -> Any:
    """A container that completes every prompt with one text, and refuses what vLLM would not take."""

    def answer(body: bytes) -> bytes:
        request = json.loads(body)
        assert request["prompt"].startswith("<|fim_prefix|>")
        assert request["add_special_tokens"] is False
        return json.dumps({"choices": [{"text": text, "finish_reason": "stop"}]}).encode()

    return answer
