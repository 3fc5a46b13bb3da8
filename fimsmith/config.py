"""The one configuration file: a section per stage, every field described and checked.

fimsmith run configs/demo.yaml --set train.learning_rate=1e-4 --set sources.0.location=/my/code
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class Section(BaseModel):
    """Base of all sections: unknown fields are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*")
    @classmethod
    def _sorted(cls, value: Any) -> Any:
        """Order keys by name: KFP's parameters travel as maps without an order, and no result may depend on it."""
        return dict(sorted(value.items())) if isinstance(value, dict) else value


class Run(Section):
    """Where and on what the pipeline runs; no result depends on it."""

    root: str = Field(
        default="fimsmith-data",
        description="Folder that holds all stages' results; a second run reuses what lies there.",
    )
    launcher: Literal["local"] = Field(
        default="local", description="What starts the jobs of train, evaluate and export."
    )
    nodes: Count = Field(default=1, description="Machines that train together.")
    processes: Count = Field(
        default=1, description="Training processes per machine: GPUs, or CPU processes where there is no GPU."
    )


class Model(Section):
    """The base model: a local Hugging Face folder."""

    path: str = Field(description="Folder with config.json, safetensors weights and tokenizer.json.")
    family: Literal["auto", "deepseek-coder", "qwen2.5-coder", "starcoder2", "codellama"] = Field(
        default="auto",
        description="Whose FIM sentinels and order to use; auto recognises the family by its sentinel strings.",
    )
    attention: Literal["sdpa", "eager", "flash_attention_2", "flex_attention"] = Field(
        default="sdpa", description="Attention implementation."
    )


class Source(Section):
    """One place that code or text comes from."""

    name: Name = Field(description="Short name, shown in reports.")
    location: str = Field(
        description="Folder, .zip/.jar, .tar(.gz/.bz2/.xz), .parquet, .jsonl(.gz), single text file; "
        "`git+URL[@ref]` (file:// too); `maven:group:artifact:version` (its sources jar, through mvn)."
    )
    kind: Literal["java", "text"] = Field(
        default="java", description="What to take from it: .java files, or Markdown and plain text."
    )
    group: Name | None = Field(
        default=None, description="Key in mix.weights that its tokens count to; default: the name."
    )
    repository: str = Field(
        default="auto",
        description="Repository of the files; auto: the topmost folder with .git, pom.xml or build.gradle(.kts), else the source's name.",
    )
    licence: str | None = Field(default=None, description="SPDX identifier for files that state none.")
    text_column: str = Field(default="text", description="Column that holds the text, for parquet and JSONL.")

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
    licences: list[str] | None = Field(
        default=None, description="SPDX identifiers that are allowed; null allows all, also files without a licence."
    )
    keep_secrets: bool = Field(default=False, description="Keep files that hold credentials (keys, tokens, passwords).")


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
    split_by: Literal["cluster", "repository"] = Field(
        default="cluster",
        description="What stays together: near-duplicate clusters, or whole repositories with everything near-duplicate to them.",
    )
    decontaminate: list[str] = Field(
        default=[],
        description="Benchmark files (.jsonl, .json, .txt, .parquet, also .gz) whose 13-grams must not be trained on.",
    )
    shards: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Parts that the fim stage works on in parallel; the result does not depend on it.",
    )
    seed: int = Field(default=0, description="Changes which clusters are held out.")


class Shares(Section):
    """Shares of the samples of Java files by how the target is chosen; they sum to 1."""

    node: Fraction = Field(default=0.35, description="FIM: one complete syntax node is the hole.")
    aligned: Fraction = Field(
        default=0.25, description="FIM: a run of sibling nodes closest to a random span is the hole."
    )
    line: Fraction = Field(default=0.15, description="FIM: the rest of a line, or several whole lines.")
    char: Fraction = Field(default=0.05, description="FIM: any span of characters.")
    document: Fraction = Field(default=0.20, description="The file as plain text, next-token prediction.")
    prefix: Fraction = Field(default=0.0, description="Prefix → target without a suffix, for supervised completion.")

    @model_validator(mode="after")
    def _sum(self) -> Self:
        total = sum(self.model_dump().values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"shares sum to {total:g}, not 1; change one of them by {1 - total:+g}")
        return self


class Kinds(Section):
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

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if sum(self.model_dump().values()) <= 0:
            raise ValueError("all kinds have weight 0; give at least one a weight above 0")
        return self


class Fim(Section):
    """How files become training samples and the FIM test set."""

    sequence: int = Field(default=4096, ge=64, description="Longest sample in tokens, sentinels included.")
    shares: Shares = Shares()
    kinds: Kinds = Kinds()
    bytes_per_hole: Count = Field(
        default=1_000, description="One sample is drawn per this many bytes of a file, at least one per file."
    )
    epochs: Count = Field(default=1, description="Passes over the files, each with new holes.")
    min_middle: Count = Field(default=4, description="Shortest hole in characters that are not white space.")
    max_middle: Count = Field(default=256, description="Longest hole in tokens.")
    prefix_context: Fraction = Field(
        default=0.7, description="Share of the context that goes to the prefix when both sides are longer than fits."
    )
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
    seed: int = Field(default=0, description="Changes the order.")

    @model_validator(mode="after")
    def _sum(self) -> Self:
        total = sum(self.weights.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"weights sum to {total:g}, not 1; change one of them by {1 - total:+g}")
        return self


class Lora(Section):
    """Low-rank adapters (Hu et al. 2021, arXiv:2106.09685)."""

    rank: Count = Field(default=64, description="Rank of the update.")
    alpha: float = Field(default=64.0, gt=0, description="Scale: the update is multiplied by alpha / rank.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout on the adapter's input.")
    targets: list[str] = Field(
        default=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        description="Modules that get an adapter.",
    )


class Train(Section):
    """Fine-tuning by the Hugging Face Trainer on DeepSpeed ZeRO."""

    method: Literal["full", "lora"] = Field(default="full", description="Train all weights, or low-rank adapters.")
    learning_rate: float = Field(default=2e-5, gt=0, description="Peak learning rate.")
    warmup: Fraction = Field(default=0.1, description="Share of the steps over which the learning rate rises.")
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = Field(
        default="cosine", description="Course of the learning rate after the warm-up."
    )
    epochs: float = Field(default=1.0, gt=0, description="Passes over the packed sequences.")
    max_steps: int | None = Field(
        default=None, ge=1, description="Stop after this many optimizer steps; null: after `epochs`."
    )
    batch: Count = Field(default=64, description="Sequences per optimizer step over all processes.")
    micro_batch: Count = Field(
        default=1,
        description="Sequences per process and forward pass; batch / (micro_batch x processes) are accumulated.",
    )
    weight_decay: float = Field(default=0.0, ge=0, description="AdamW's weight decay.")
    max_grad_norm: float = Field(default=1.0, gt=0, description="Gradient clipping.")
    precision: Literal["bf16", "fp32"] = Field(
        default="bf16", description="Number format of the forward and backward pass."
    )
    zero_stage: Literal[1, 2, 3] = Field(
        default=3, description="DeepSpeed ZeRO stage (Rajbhandari et al. 2020, arXiv:1910.02054)."
    )
    gradient_checkpointing: bool = Field(
        default=True, description="Recompute activations in the backward pass: less memory, about a third more time."
    )
    lora: Lora = Lora()
    eval_steps: Count = Field(
        default=100, description="Optimizer steps between two measurements of the validation loss."
    )
    save_steps: Count = Field(default=200, description="Optimizer steps between two checkpoints.")
    keep_checkpoints: Count = Field(default=2, description="Complete checkpoints to keep while training.")
    log_steps: Count = Field(default=1, description="Optimizer steps between two lines of metrics.jsonl.")
    seed: int = Field(default=0, description="Seeds adapters, dropout and the order of the sequences.")


class Evaluate(Section):
    """Generation on the FIM test set and its scores."""

    samples: Count = Field(default=1_000, description="Test samples to generate; the first ones of the fixed test set.")
    max_new_tokens: Count = Field(default=256, description="Longest completion in tokens.")
    batch: Count = Field(default=32, description="Prompts generated together, sorted by length.")
    precision: Literal["bf16", "fp32"] = Field(default="bf16", description="Number format of the model.")
    bootstrap: Count = Field(default=10_000, description="Resamples for the 95 % intervals, clustered by file.")
    seed: int = Field(default=0, description="Seeds the bootstrap.")


class Gate(Section):
    """What the tuned model must gain over the base to be exported."""

    min_gain: dict[Literal["exact_match", "edit_similarity", "codebleu", "codebleu_strict"], float] = Field(
        default={"codebleu": 0.0, "edit_similarity": 0.0},
        description="Points (0-100) that the lower end of the paired 95 % interval of the gain must exceed.",
    )
    lower_loss: bool = Field(
        default=True,
        description="The tuned model's loss on the test middles must be below the base's, with the interval excluding zero.",
    )


class Export(Section):
    """The model as it is handed over."""

    name: Name = Field(default="fimsmith-model", description="Name of the exported model.")
    precision: Literal["bf16", "fp32"] = Field(default="bf16", description="Number format of the exported weights.")
    require_gate: bool = Field(default=True, description="Export nothing when the gate says no.")
    check_prompts: Count = Field(
        default=8, description="Test prompts whose greedy output must be the same after loading the export again."
    )


class Report(Section):
    """The HTML page."""

    title: str = Field(default="fimsmith report", description="Heading of the page.")
    samples: Count = Field(default=10, description="Completions shown.")


class Config(Section):
    """A whole run."""

    run: Run = Run()
    model: Model
    sources: Annotated[list[Source], Field(min_length=1)]
    ingest: Ingest = Ingest()
    curate: Curate = Curate()
    fim: Fim = Fim()
    mix: Mix
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    gate: Gate = Gate()
    export: Export = Export()
    report: Report = Report()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        names = [source.name for source in self.sources]
        groups = {source.share for source in self.sources}
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"sources: the name {twice[0]!r} is used twice; give each source its own name")
        if missing := sorted(set(self.mix.weights) - groups):
            raise ValueError(
                f"mix.weights names {missing[0]!r}, but the sources' groups are {', '.join(sorted(groups))}"
            )
        if unused := sorted(groups - set(self.mix.weights)):
            raise ValueError(f"group {unused[0]!r} has no weight; add it to mix.weights or remove its source")
        if unknown := sorted(set(self.curate.held_out) - groups):
            raise ValueError(
                f"curate.held_out names {unknown[0]!r}, but the sources' groups are {', '.join(sorted(groups))}"
            )
        if self.mix.sequence < self.fim.sequence:
            raise ValueError(
                f"mix.sequence {self.mix.sequence} is below fim.sequence {self.fim.sequence}; a sample would not fit"
            )
        if self.fim.max_middle > self.fim.sequence // 2:
            raise ValueError(
                f"fim.max_middle {self.fim.max_middle} is more than half of fim.sequence {self.fim.sequence}; lower it"
            )
        if self.curate.valid + self.curate.test >= 1:
            raise ValueError("curate.valid + curate.test must be below 1; nothing would be left to train on")
        world = self.run.nodes * self.run.processes * self.train.micro_batch
        if self.train.batch % world:
            raise ValueError(
                f"train.batch {self.train.batch} cannot be split over {world} sequences per pass (nodes x processes x micro_batch); "
                f"set train.batch to {(self.train.batch // world + 1) * world}"
            )
        return self

    def parameters(self) -> dict[str, Any]:
        """Return the pipeline's parameters: `root`, `sources` and one plain dictionary per section.

        `root` stands apart because every stage needs it, while a change of the rest of `run` must
        not touch the cache key of the data stages. KFP has no null: absent means the default.
        """
        sections = self.model_dump(mode="json", exclude_none=True)
        return {"root": sections["run"].pop("root"), **sections}
