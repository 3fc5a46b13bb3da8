"""The stages in their order, in this process: what `fimsmith STAGE CONFIG` runs.

Every function first makes sure of what the stage needs; finished results are reused, so
running one stage costs only what is not there yet. `fimsmith run` runs the same stages as a pipeline.
"""

from functools import cached_property

from fimsmith import config
from fimsmith.manifest import Manifest


class Chain:
    """All stages of one configuration, each computed at most once."""

    def __init__(self, configuration: config.Config):
        self.config = configuration
        self.root = configuration.run.root

    @cached_property
    def preflight(self) -> tuple[Manifest, Manifest]:
        """The run's own manifest and the base model's."""
        from fimsmith import preflight

        return preflight.check(self.config)

    @property
    def base(self) -> Manifest:
        """The base model."""
        return self.preflight[1]

    @cached_property
    def ingest(self) -> list[Manifest]:
        """One manifest per source."""
        from fimsmith import corpus

        return [corpus.ingest(self.config.ingest, source, self.root) for source in self.config.sources]

    @cached_property
    def curate(self) -> Manifest:
        """All sources without duplicates, split and sharded."""
        from fimsmith import corpus

        return corpus.curate(self.config.curate, self.ingest, self.root)

    @cached_property
    def fim(self) -> list[Manifest]:
        """One manifest per shard."""
        return [self.shard(number) for number in range(self.config.curate.shards)]

    def shard(self, number: int) -> Manifest:
        """The samples of one shard."""
        from fimsmith import fim

        return fim.build(self.config.fim, number, self.curate, self.base, self.root)

    @cached_property
    def mix(self) -> Manifest:
        """The packed training and validation sequences."""
        from fimsmith import mix

        return mix.build(self.config.mix, self.fim, self.base, self.root)

    @cached_property
    def train(self) -> Manifest:
        """The tuned model."""
        from fimsmith import launch

        return launch.train(self.config.train, self.config.run, self.base, self.mix)

    @cached_property
    def evaluate(self) -> tuple[Manifest, Manifest]:
        """The scores of the base and of the tuned model."""
        from fimsmith import launch

        place = (self.config.evaluate, self.config.run)
        return launch.evaluate(*place, self.base, self.fim), launch.evaluate(*place, self.train, self.fim)

    @cached_property
    def gate(self) -> Manifest:
        """Whether the tuned model may be handed over."""
        from fimsmith import gate

        return gate.decide(self.config.gate, *self.evaluate, self.root)

    @cached_property
    def export(self) -> Manifest:
        """The model as servers and IDEs take it."""
        from fimsmith import launch

        inputs = [self.base, self.train, self.gate, *self.evaluate, *self.fim]
        return launch.export(self.config.export, self.config.run, inputs, self.preflight[0].details)

    @cached_property
    def report(self) -> Manifest:
        """The page about the whole run."""
        from fimsmith import report

        outcome = [self.train, *self.evaluate, self.gate, self.export]
        return report.build(self.config.report, [*self._data, *outcome], self.root)

    @cached_property
    def card(self) -> Manifest:
        """The card about the data; nothing is trained for it."""
        from fimsmith import report

        return report.describe(self.config.report, self._data, self.root)

    @property
    def _data(self) -> list[Manifest]:
        return [*self.preflight, *self.ingest, self.curate, *self.fim, self.mix]
