"""From sources to packed sequences: ingest, curate, fim, mix."""

import re
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from fimsmith.config.section import Count, Fraction, Name, Section

_LOGIN = r"https?://[^/\s]*@|://[^/\s]*:[^/\s]*@"  # the user of an SSH address is no secret


class Source(Section):
    """One place that code or text comes from."""

    model_config = ConfigDict(hide_input_in_errors=True)  # it may hold a password

    name: Name = Field(description="Short name, shown in reports.")
    location: str = Field(
        description="Folder, .zip/.jar, .tar(.gz/.bz2/.xz), .parquet, .jsonl(.gz), single text file; "
        "`git+URL[@ref]` (file:// too); `maven:group:artifact:version` (its sources jar, through mvn); "
        "`s3://bucket/prefix`, or one of these files there; `hf:owner/name[@revision][#folder]` (tables of the Hugging Face Hub).",
        json_schema_extra={"not": {"pattern": _LOGIN}},
    )
    kind: Literal["java", "text"] = Field(
        default="java", description="What to take from it: .java files, or Markdown, HTML and plain text."
    )
    group: Name | None = Field(
        default=None, description="Key in mix.weights that its tokens count to; default: the name."
    )
    repository: str = Field(
        default="auto",
        description="Repository of the files; auto: the topmost folder with .git, pom.xml or build.gradle(.kts), else the source's name.",
    )
    licence: str | None = Field(
        default=None, description="SPDX identifier for files that state none, or none that is known."
    )
    text_column: str = Field(
        default="text",
        min_length=1,
        description="Column that holds the text, for parquet and JSONL; `title+body` joins several, as an export of issues needs.",
    )
    max_files: int | None = Field(
        default=None,
        ge=1,
        description="Files or rows that are looked at, those that cannot be read aside; null: all. Of a data set of a hub no more is fetched than they take.",
    )
    history: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Commits back from the one that is read (git only; a merge counts as one, side branches do not) whose added "
        "lines are noted for `fim.shares.commit`, and each file's last change for `curate.split_by: time`.",
    )

    @field_validator("location")
    @classmethod
    def _without_login(cls, value: str) -> str:
        if re.search(_LOGIN, value):
            raise ValueError(
                "an address must not hold a login: the configuration is kept in results, reports and on the cluster; "
                "take it out and set GIT_HOST, GIT_USERNAME and GIT_PASSWORD (docs/data.md), or use an SSH key"
            )
        return value

    @model_validator(mode="after")
    def _with_history(self) -> Self:
        if self.history and (self.kind != "java" or not self.location.startswith("git+")):
            raise ValueError(
                f"source {self.name!r} has no history of Java files to read: that takes kind java and a location that begins "
                "with git+ (git+/path for a clone on this machine); change them, or take history out"
            )
        return self

    @property
    def columns(self) -> list[str]:
        """The columns that hold the text."""
        return self.text_column.split("+")

    @property
    def share(self) -> str:
        """The key in mix.weights."""
        return self.group or self.name


class Ingest(Section):
    """Which files are taken: limits that a file must meet."""

    max_bytes: Count = Field(default=1_000_000, description="Larger files are dropped.")
    min_bytes: int = Field(default=64, ge=0, description="Smaller files are dropped.")
    max_line: Count = Field(default=1_000, description="Files with a longer line (characters) are dropped; Java only.")
    mean_line: float = Field(
        default=100.0, gt=0, description="Files whose lines are longer on average (characters) are dropped; Java only."
    )
    min_alphanumeric: Fraction = Field(
        default=0.25, description="Files with a smaller share of letters and digits are dropped."
    )
    keep_generated: bool = Field(
        default=False, description="Keep generated code (@Generated, 'DO NOT EDIT', generated-sources folders)."
    )
    keep_boilerplate: Fraction = Field(
        default=0.1,
        description="Share of the Java files to keep among those that hold only fields and accessors, or mostly a table of "
        "constants, of about 100 lines or more; which ones is drawn by their text.",
    )
    licences: list[str] | None = Field(
        default=None, description="SPDX identifiers that are allowed; null allows all, also files without a licence."
    )
    secrets: Literal["keep", "redact", "drop"] = Field(
        default="drop",
        description="Credentials (keys, tokens, passwords): keep them, replace them inside comments and string literals by "
        "`redacted` (what stands elsewhere, in pieces, and private keys, still costs the file), or drop the file.",
    )
    personal: Literal["keep", "redact", "drop"] = Field(
        default="redact",
        description="E-mail addresses and Chinese mobile and identity numbers in comments and string literals: "
        "keep them, replace them by placeholders, or drop the file.",
    )


class Curate(Section):
    """Duplicates, benchmark leakage, and the train/valid/test split."""

    similarity: Fraction = Field(
        default=0.7,
        description="Jaccard similarity of 5-word shingles (head comments aside) from which two files are near-duplicates.",
    )
    valid: Fraction = Field(default=0.05, description="Share of the clusters in the validation split.")
    test: Fraction = Field(default=0.1, description="Share of the clusters in the test split.")
    held_out: list[Name] = Field(
        default=[], description="Groups that give the valid and test splits; empty: every group of kind java."
    )
    split_by: Literal["cluster", "repository", "time"] = Field(
        default="cluster",
        description="cluster: near-duplicate clusters are drawn; repository: whole repositories with everything near-duplicate to "
        "them; time: the clusters that changed last are the test split, those before them valid (needs sources.history).",
    )
    decontaminate: list[str] = Field(
        default=[],
        description="Benchmarks whose runs of 13 words must not be trained on: files (.jsonl, .json, .txt, .parquet, also .gz) "
        "here or as `s3://bucket/file`, or `hf:owner/name[@revision][#folder]` (tables of the Hugging Face Hub).",
    )
    signatures: bool = Field(
        default=False, description="Store the signatures of the training files' types, which fim.context needs."
    )
    snippets: bool = Field(
        default=False, description="Store the training files once more by path, which fim.context.snippets needs."
    )
    shards: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Parts that the fim stage works on in parallel; the result does not depend on it.",
    )
    seed: int = Field(default=0, description="Changes which clusters are held out, unless by time.")


class Shares(Section):
    """Shares of the samples of Java files by how the target is chosen; they sum to 1."""

    node: Fraction = Field(default=0.35, description="FIM: one complete syntax node is the hole.")
    aligned: Fraction = Field(
        default=0.25, description="FIM: a run of sibling nodes closest to a random span is the hole."
    )
    line: Fraction = Field(default=0.15, description="FIM: the rest of a line, or several whole lines.")
    char: Fraction = Field(default=0.05, description="FIM: any span of characters.")
    commit: Fraction = Field(
        default=0.0,
        description="FIM: what a commit added, the newest first; files without any (see sources.history) give other samples.",
    )
    document: Fraction = Field(default=0.20, description="The file as plain text, next-token prediction.")
    prefix: Fraction = Field(default=0.0, description="Prefix → target without a suffix, for supervised completion.")

    @model_validator(mode="after")
    def _sum(self) -> Self:
        total = sum(self.model_dump().values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"shares sum to {total:g}, not 1; change one of them by {1 - total:+g}")
        return self


class _Weights(Section):
    """Relative weights, of which at least one counts."""

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if sum(self.model_dump().values()) <= 0:
            raise ValueError(f"all {type(self).__name__.lower()} have weight 0; give at least one a weight above 0")
        return self


class Kinds(_Weights):
    """Relative weights of the syntax-node kinds that become holes of policy `node`."""

    statements: float = Field(default=0.20, ge=0, description="A run of one or more statements.")
    block: float = Field(default=0.10, ge=0, description="A braced block.")
    body: float = Field(default=0.15, ge=0, description="The body of a method or constructor.")
    control: float = Field(default=0.12, ge=0, description="if/for/while/switch/try with its header.")
    expression: float = Field(default=0.18, ge=0, description="An expression.")
    arguments: float = Field(default=0.10, ge=0, description="An argument list.")
    field: float = Field(default=0.05, ge=0, description="A field declaration.")
    signature: float = Field(default=0.05, ge=0, description="The method signature that follows a Javadoc comment.")
    comment: float = Field(default=0.05, ge=0, description="The code line that follows a line comment.")


class Cuts(_Weights):
    """Relative weights of where a hole's ends are moved to: editors and servers cut differently."""

    exact: float = Field(default=0.60, ge=0, description="Nowhere: the cursor stands behind the indentation.")
    snap: float = Field(
        default=0.20,
        ge=0,
        description="The start before the blanks in front of it, which become part of the target: a server that heals "
        "tokens or strips the prompt asks so.",
    )
    line: float = Field(default=0.20, ge=0, description="Both ends to those of their lines: whole lines are asked for.")


class Context(Section):
    """A comment block in front of the prefix: the file's path, the signatures of types that the file uses, similar code."""

    share: Fraction = Field(
        default=0.0,
        description="Share of the samples with a prefix that get the block; above 0 needs curate.signatures.",
    )
    tokens: Count = Field(
        default=512, description="Most tokens of the block; it takes only what the code leaves free of fim.sequence."
    )
    snippets: Fraction = Field(
        default=0.0,
        description="Share of these blocks that end with code of the types' files that is like the code before the hole; "
        "above 0 needs curate.snippets, and the blocks of the test set have it too.",
    )
    test: bool = Field(default=False, description="Put it into the prompts of the FIM test set too, into all of them.")


class Fim(Section):
    """How files become training samples and the FIM test set."""

    sequence: int = Field(default=4096, ge=64, description="Longest sample in tokens, sentinels included.")
    shares: Shares = Shares()
    kinds: Kinds = Kinds()
    cuts: Cuts = Cuts()
    spm: Fraction = Field(
        default=0.0,
        description="Share of the FIM samples in the order suffix, prefix, middle; only for a model that knows it "
        "(StarCoder2, Code Llama), DeepSeek-Coder does not.",
    )
    bytes_per_hole: Count = Field(
        default=1_000, description="One sample is drawn per this many bytes of a file, at least one per file."
    )
    epochs: Count = Field(
        default=1, description="Passes over the Java files, each with new holes; what has no holes is given once."
    )
    min_middle: Count = Field(default=4, description="Shortest hole in characters that are not white space.")
    max_middle: Count = Field(default=256, description="Longest hole in tokens.")
    prefix_context: Fraction = Field(
        default=0.7, description="Share of the context that goes to the prefix when both sides are longer than fits."
    )
    context: Context = Context()
    test_samples: Count = Field(default=1_000, description="Size of the FIM test set, drawn from the test split.")
    seed: int = Field(default=0, description="Changes every draw.")


class Mix(Section):
    """How many tokens of which group are trained on, and how they are packed."""

    weights: dict[Name, Annotated[float, Field(gt=0, le=1)]] = Field(
        description="Share of the emitted tokens per group; the shares sum to 1. Example: business 0.67, public 0.20, text 0.13."
    )
    tokens: int | None = Field(
        default=None, ge=1_000, description="Tokens to emit; null: as many as the weights and max_epochs allow."
    )
    max_epochs: float = Field(
        default=4.0,
        gt=0,
        le=1_000_000,
        description="How often a group's samples may be repeated (Muennighoff et al. 2023, arXiv:2305.16264: 4 is nearly free).",
    )
    tolerance: float = Field(default=0.001, gt=0, lt=0.5, description="Allowed absolute deviation of a group's share.")
    sequence: int = Field(
        default=4096, ge=64, description="Length of a packed sequence in tokens; at least fim.sequence."
    )
    valid_tokens: Count = Field(default=200_000, description="Most tokens of the validation set.")
    loss: Literal["all", "target"] = Field(
        default="all",
        description="Which tokens are learned: all of a sample, or only its middle (document samples: all).",
    )
    order: Literal["shuffled", "easy_first"] = Field(
        default="shuffled",
        description="Order of the first epoch of training: shuffled, or in three levels by the mean length of a sequence's "
        "middles, the shortest first, each about by the weights above and shuffled in itself. Later epochs are shuffled.",
    )
    seed: int = Field(default=0, description="Changes the order.")

    @model_validator(mode="after")
    def _sum(self) -> Self:
        total = sum(self.weights.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"weights sum to {total:g}, not 1; change one of them by {1 - total:+g}")
        return self
