"""From the base model to the report: train, evaluate, gate, export."""

from typing import Literal

from pydantic import Field

from fimsmith.config.section import Count, Fraction, Name, Section


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
