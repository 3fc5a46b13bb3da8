"""Ask a deployed model for three middles, in the sentinels of its own family."""

import json
from dataclasses import dataclass
from typing import Any

from fimsmith.deploy.hosting import Hosting
from fimsmith.deploy.refusal import explained
from fimsmith.errors import DeployError
from fimsmith.progress import say

_TOKENS = 64  # new tokens per prompt
_PROMPTS = (  # before and after the cursor
    (
        "class Basket {\n    private int count;\n\n    void add(int items) {\n        count += ",
        ";\n    }\n}\n",
    ),
    (
        "class Temperature {\n    /** Converts degrees Celsius to Fahrenheit. */\n"
        "    static double fahrenheit(double celsius) {\n        ",
        "\n    }\n}\n",
    ),
    (
        "import java.util.List;\n\nclass Names {\n    static String longest(List<String> names) {\n"
        '        String best = "";\n        for (String name : names) {\n            if (',
        ") {\n                best = name;\n            }\n        }\n        return best;\n    }\n}\n",
    ),
)


@dataclass(frozen=True, slots=True)
class Client:
    """How this model is asked: a prompt as text in the template of fim.json, encoded as it stands."""

    fim: dict[str, Any]

    def request(self, prefix: str, suffix: str) -> dict[str, Any]:
        """Return the body of one request, as vLLM's completions API takes it."""
        start, rest = self.fim["template"].split("{prefix}")
        middle, end = rest.split("{suffix}")
        return {
            "prompt": f"{start}{prefix}{middle}{suffix}{end}",
            "max_tokens": _TOKENS,
            "temperature": 0,
            "stop": self.fim["stop"],
            "stop_token_ids": self.fim["stop_token_ids"],
            "add_special_tokens": self.fim["add_special_tokens"],  # or the server adds a second BOS
        }

    def example(self) -> str:
        """Return the body with {prefix} and {suffix} to fill in."""
        return json.dumps(self.request("{prefix}", "{suffix}"), ensure_ascii=False)


def run(hosting: Hosting, fim: dict[str, Any]) -> None:
    """Show three completions; raises DeployError when the endpoint gives none, or shows sentinels as text."""
    client, runtime = Client(fim), hosting.connect("sagemaker-runtime")
    texts = []
    for prefix, suffix in _PROMPTS:
        body = json.dumps(client.request(prefix, suffix)).encode()
        with explained(f"endpoint {hosting.name} is in service but does not answer"):
            answer = runtime.invoke_endpoint(EndpointName=hosting.name, ContentType="application/json", Body=body)
            texts.append(_text(answer["Body"].read()))
        before, after = prefix.rsplit("\n", 1)[-1].lstrip(), suffix.split("\n", 1)[0]
        say("deploy", f"completes   {before}«{texts[-1]}»{after}")
    if not any(text.strip() for text in texts):
        raise DeployError(f"endpoint {hosting.name} completes nothing: three prompts gave empty texts")
    marks = [mark["text"] for mark in fim["special_tokens"].values()]
    if shown := [mark for mark in marks if any(mark in text for text in texts)]:
        raise DeployError(f"endpoint {hosting.name} completes with the sentinel {shown[0]!r}: its tokenizer is wrong")


def _text(body: bytes) -> str:
    try:
        return json.loads(body)["choices"][0]["text"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise DeployError(
            f"the container answers {body[:300].decode('utf-8', 'replace')!r}, which is no completion; "
            "run.sagemaker.endpoint.image must be an LMI container 15 or newer"
        ) from error
