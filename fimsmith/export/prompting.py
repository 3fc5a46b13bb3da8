"""How a client asks the exported model for a middle: sentinels as text and as ids."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from fimsmith.family import Format

# as text; the others, such as <s> and <pad>, may stand in Java
_STOPPING = ("stop", "eos", "begin", "hole", "end")


@dataclass(frozen=True, slots=True)
class Prompting:
    """The FIM template of one tokenizer; `special` holds the text of each sentinel by its name."""

    family: str
    ids: dict[str, int]
    special: dict[str, str]
    stop_ids: list[int]
    stop: list[str]
    context: int  # tokens; 0 when the base does not say

    @property
    def template(self) -> str:
        """The prompt with {prefix} and {suffix} to replace; to be encoded without adding special tokens."""
        names = self.special
        return f"{names.get('bos', '')}{names['begin']}{{prefix}}{names['hole']}{{suffix}}{names['end']}"

    def render(self, prefix: str, suffix: str) -> str:
        """Fill the template in; a prefix that holds `{suffix}` does no harm."""
        start, rest = self.template.split("{prefix}")
        middle, end = rest.split("{suffix}")
        return f"{start}{prefix}{middle}{suffix}{end}"

    def plain(self) -> dict[str, Any]:
        """Return what fim.json holds."""
        return {
            "family": self.family,
            "template": self.template,
            "add_special_tokens": False,
            "special_tokens": {name: {"text": self.special[name], "id": self.ids[name]} for name in self.special},
            "stop": self.stop,
            "stop_token_ids": self.stop_ids,
            "max_context": self.context,
        }


def prompting(folder: Path, marks: Format, context: int) -> Prompting:
    """Look the sentinels' text up in a folder's tokenizer.json."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    named = {name: getattr(marks, name) for name in ("bos", "begin", "hole", "end", "stop", "eos", "pad")}
    ids = {name: token for name, token in named.items() if token is not None}
    special = {name: str(tokenizer.id_to_token(token)) for name, token in ids.items()}
    return Prompting(
        family=marks.family,
        ids=ids,
        special=special,
        stop_ids=marks.stops,
        stop=list(dict.fromkeys(special[name] for name in _STOPPING)),
        context=context,
    )
