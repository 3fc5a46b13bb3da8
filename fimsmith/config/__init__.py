"""The one configuration file: a section per stage, every field described and checked.

fimsmith run configs/demo.yaml --set train.learning_rate=1e-4 --set sources.0.location=/my/code
"""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from fimsmith.config.data import Context, Curate, Cuts, Fim, Ingest, Kinds, Mix, Shares, Source
from fimsmith.config.endpoint import Endpoint
from fimsmith.config.model import Evaluate, Export, Gate, Lora, Model, Report, Train
from fimsmith.config.run import Kubernetes, Run, SageMaker
from fimsmith.config.section import Section

__all__ = [
    "Config",
    "Context",
    "Curate",
    "Cuts",
    "Endpoint",
    "Evaluate",
    "Export",
    "Fim",
    "Gate",
    "Ingest",
    "Kinds",
    "Kubernetes",
    "Lora",
    "Mix",
    "Model",
    "Report",
    "Run",
    "SageMaker",
    "Section",
    "Shares",
    "Source",
    "Train",
]


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
        if (self.fim.context.share or self.fim.context.test) and not self.curate.signatures:
            raise ValueError(
                "fim.context shows signatures of other files, which are not stored; set curate.signatures to true"
            )
        if self.fim.context.snippets and not self.curate.snippets:
            raise ValueError(
                "fim.context.snippets shows code of other files, which is not stored; set curate.snippets to true"
            )
        if self.curate.valid + self.curate.test >= 1:
            raise ValueError("curate.valid + curate.test must be below 1; nothing would be left to train on")
        if self.run.launcher == "local" and self.run.nodes > 1:
            raise ValueError(
                f"run.nodes is {self.run.nodes}, but the local launcher has only this machine; set run.nodes to 1 "
                "and run.processes to its number of GPUs, or run.launcher to pytorchjob or sagemaker"
            )
        self._check_history()
        self._check_sagemaker()
        world = self.run.nodes * self.run.processes * self.train.micro_batch
        if self.train.batch % world:
            raise ValueError(
                f"train.batch {self.train.batch} cannot be split over {world} sequences per pass (nodes x processes x micro_batch); "
                f"set train.batch to {(self.train.batch // world + 1) * world}"
            )
        return self

    def _check_history(self) -> None:
        if self.fim.shares.commit and not any(source.history for source in self.sources):
            raise ValueError(
                f"fim.shares.commit is {self.fim.shares.commit:g}, but no source has commits to take it from; set history of a "
                "git+ source to a number of commits, or the share to 0"
            )
        held_out = self.curate.held_out or [each.share for each in self.sources if each.kind == "java"]
        without = [each.name for each in self.sources if each.share in held_out and not each.history]
        if self.curate.split_by == "time" and without:
            raise ValueError(
                f"curate.split_by is time, but source {without[0]!r}, which is held out, has no history; read it as git+… with "
                "history set to a number of commits, name other groups in curate.held_out, or set curate.split_by to cluster"
            )

    def _check_sagemaker(self) -> None:
        if self.run.launcher != "sagemaker":
            return
        if missing := [name for name in ("role", "image") if getattr(self.run.sagemaker, name) is None]:
            raise ValueError(f"run.sagemaker.{missing[0]} is not set, but run.launcher is sagemaker; set it")
        if not self.run.root.startswith("s3://"):
            raise ValueError(
                f"run.root {self.run.root!r} is a folder, which SageMaker cannot reach; set it to s3://bucket/prefix"
            )
        if not self.model.path.startswith("s3://"):
            raise ValueError(
                f"model.path {self.model.path!r} is a folder, which SageMaker cannot reach; copy it to S3 "
                "(aws s3 sync) and set model.path to s3://bucket/prefix"
            )

    def parameters(self) -> dict[str, Any]:
        """Return the pipeline's parameters: `root`, `sources` and one plain dictionary per section.

        `root` stands apart because every stage needs it, while a change of the rest of `run` must
        not touch the cache key of the data stages. KFP has no null: absent means the default.
        """
        sections = self.model_dump(mode="json", exclude_none=True)
        return {"root": sections["run"].pop("root"), **sections}
