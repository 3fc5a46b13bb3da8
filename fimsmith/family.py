"""Model families: which sentinel strings mark prefix, hole and suffix, and in which order.

A family is recognised by the strings in the tokenizer, never by token numbers. Strings and
orders are those of the model cards and papers: DeepSeek-Coder (arXiv:2401.14196), Qwen2.5-Coder
(arXiv:2409.12186), StarCoder2 (arXiv:2402.19173), Code Llama (arXiv:2308.12950).
"""

from dataclasses import dataclass

from tokenizers import Tokenizer

from fimsmith.errors import ModelError


@dataclass(frozen=True, slots=True)
class Family:
    """The sentinel strings of one model family, in prefix-suffix-middle order."""

    name: str
    begin: str  # before the prefix
    hole: str  # between prefix and suffix
    end: str  # between suffix and middle
    stop: str  # ends a middle
    eos: str  # ends a document
    bos: str | None  # begins every sequence
    pad: tuple[str, ...]  # first one that exists


FAMILIES = (
    Family(
        "deepseek-coder",
        "<｜fim▁begin｜>",
        "<｜fim▁hole｜>",
        "<｜fim▁end｜>",
        "<｜end▁of▁sentence｜>",
        "<｜end▁of▁sentence｜>",
        "<｜begin▁of▁sentence｜>",
        ("<pad>", "<｜end▁of▁sentence｜>"),
    ),
    Family(
        "qwen2.5-coder",
        "<|fim_prefix|>",
        "<|fim_suffix|>",
        "<|fim_middle|>",
        "<|endoftext|>",
        "<|endoftext|>",
        None,
        ("<|fim_pad|>", "<|endoftext|>"),
    ),
    Family(
        "starcoder2",
        "<fim_prefix>",
        "<fim_suffix>",
        "<fim_middle>",
        "<|endoftext|>",
        "<|endoftext|>",
        None,
        ("<fim_pad>", "<|endoftext|>"),
    ),
    Family("codellama", "▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>", "</s>", "<s>", ("<unk>", "</s>")),
)
SUFFIX_FIRST = ("starcoder2", "codellama")  # of these those that know the order suffix, prefix, middle


@dataclass(frozen=True, slots=True)
class Format:
    """A family's sentinels as token ids of one tokenizer."""

    family: str
    begin: int
    hole: int
    end: int
    stop: int
    eos: int
    bos: int | None
    pad: int

    @property
    def overhead(self) -> int:
        """Tokens of a FIM sample besides prefix, suffix and middle."""
        return 4 + (self.bos is not None)

    def prompt(self, prefix: list[int], suffix: list[int]) -> list[int]:
        """Return `[BOS] begin P hole S end`."""
        return [*self.start, self.begin, *prefix, self.hole, *suffix, self.end]

    @property
    def stops(self) -> list[int]:
        """The ids that end a completion: the stop token and every other sentinel."""
        marks = (self.stop, self.eos, self.begin, self.hole, self.end, self.pad, self.bos)
        return sorted({mark for mark in marks if mark is not None})

    @property
    def start(self) -> list[int]:
        """BOS, if the family has one."""
        return [] if self.bos is None else [self.bos]


def detect(tokenizer: Tokenizer, wanted: str = "auto") -> Format:
    """Find the family whose sentinels the tokenizer has, each as exactly one id.

    Raises ModelError for an unknown tokenizer, and for a sentinel that is missing or is not one id.
    """
    if wanted == "auto":
        found = [family for family in FAMILIES if tokenizer.token_to_id(family.begin) is not None]
        if not found:
            raise ModelError(
                "the tokenizer has no fill-in-the-middle sentinels of a known family; looked for "
                + ", ".join(f"{family.begin} ({family.name})" for family in FAMILIES)
                + "; use the base model of one of these families"
            )
        family = found[0]
    else:
        family = next(each for each in FAMILIES if each.name == wanted)
    pad = next((text for text in family.pad if tokenizer.token_to_id(text) is not None), family.eos)
    return Format(
        family.name,
        *(
            _one_id(tokenizer, family, text)
            for text in (family.begin, family.hole, family.end, family.stop, family.eos)
        ),
        bos=None if family.bos is None else _one_id(tokenizer, family, family.bos),
        pad=_one_id(tokenizer, family, pad),
    )


def _one_id(tokenizer: Tokenizer, family: Family, text: str) -> int:
    """The id of a sentinel, which must also be what its text encodes to."""
    known, ids = tokenizer.token_to_id(text), tokenizer.encode(text, add_special_tokens=False).ids
    if known is None or ids != [known]:
        raise ModelError(
            f"the sentinel {text!r} of {family.name} is not exactly one token here: it encodes to {ids or 'nothing'}; "
            "the tokenizer.json does not belong to this model family, or its added tokens were lost"
        )
    return known
