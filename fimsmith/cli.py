"""The command line.

fimsmith run configs/demo.yaml
fimsmith fim configs/demo.yaml --set fim.bytes_per_hole=500
"""

import contextlib
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from fimsmith import __version__, config, configfile, records, storage
from fimsmith import preflight as preflight_stage
from fimsmith.chain import Chain
from fimsmith.errors import FimsmithError
from fimsmith.manifest import Manifest
from fimsmith.progress import duration, say

app = typer.Typer(
    name="fimsmith",
    help="Fine-tune a code model on a company's own Java: data, training, evaluation and export as one pipeline.",
    epilog="Every field of the configuration: docs/configuration.md. A first run: make demo.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

deploying = typer.Typer(help="Serve the exported model.", no_args_is_help=True, rich_markup_mode="rich")
app.add_typer(deploying, name="deploy", rich_help_panel="Pipeline")

Path_ = Annotated[Path, typer.Argument(metavar="CONFIG", help="Configuration file (YAML); ready ones are in configs/.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Override a field, e.g. train.max_steps=200; may be repeated."),
]
Endpoint = Annotated[
    str | None,
    typer.Option(envvar="KFP_ENDPOINT", metavar="URL", help="Address of Kubeflow Pipelines; default: KFP_ENDPOINT."),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        help="Namespace of the run's pods; default: kubeflow, or your profile where users have theirs.",
    ),
]
STAGE = "One stage (and what it needs)"


def _load(path: Path, overrides: list[str] | None) -> Chain:
    chain = Chain(configfile.load(path, overrides or []))
    chain.preflight  # noqa: B018  refuse what is bound to fail before any work
    return chain


def _done(*manifests: Manifest) -> None:
    for manifest in manifests:
        numbers = ", ".join(f"{name} {value:,.6g}" for name, value in list(manifest.metrics.items())[:6])
        say(manifest.stage, f"{numbers}; {duration(manifest.seconds)}")
        say("", manifest.uri)


@app.command(rich_help_panel="Pipeline")
def run(
    path: Path_,
    overrides: Set = None,
    launcher: Annotated[
        str | None, typer.Option(metavar="local|pytorchjob|sagemaker", help="Where train, evaluate and export run.")
    ] = None,
) -> None:
    """Run the whole pipeline from this machine; finished stages are reused."""
    configuration = configfile.load(path, [*(overrides or []), *([f"run.launcher={launcher}"] if launcher else [])])
    with _kubeflow():
        from pipelines import local
    exported, page = local.run(configuration)
    print()
    if exported.details.get("withheld"):
        print(f"model   withheld: the gate said no, see {exported.uri}/WITHHELD.txt")
    else:
        print(f"model   {exported.uri}/model")
    print(f"report  {page.uri}/report.html")


@app.command(rich_help_panel="Pipeline")
def submit(
    path: Path_,
    overrides: Set = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow the run; exit 1 when it fails.")] = False,
    endpoint: Endpoint = None,
    experiment: Annotated[str, typer.Option("--experiment", "-e", help="KFP experiment.")] = "fimsmith",
    namespace: Namespace = None,
) -> None:
    """Run the whole pipeline on Kubeflow Pipelines."""
    configuration = configfile.load(path, overrides or [])
    with _kubeflow():
        from pipelines import submit as submitting
    name = f"{path.stem} {time.strftime('%Y-%m-%d %H:%M:%S')}"
    where = submitting.Destination(endpoint, namespace)
    started = submitting.submit(configuration, where, experiment, name)
    if watch:
        submitting.follow(where, started)
    else:
        print(f"fimsmith watch {started}    follows it\nfimsmith stop {started}     ends it")


@app.command("watch", rich_help_panel="Pipeline")
def watch_run(
    run_id: Annotated[str, typer.Argument(metavar="RUN")], endpoint: Endpoint = None, namespace: Namespace = None
) -> None:
    """Follow a run on Kubeflow Pipelines; exit 1 when it fails."""
    with _kubeflow():
        from pipelines import submit as submitting
    submitting.follow(submitting.Destination(endpoint, namespace), run_id)


@app.command("stop", rich_help_panel="Pipeline")
def stop_run(run_id: Annotated[str, typer.Argument(metavar="RUN")], endpoint: Endpoint = None) -> None:
    """End a run on Kubeflow Pipelines, and with it its jobs."""
    with _kubeflow():
        from pipelines import submit as submitting
    submitting.stop(endpoint, run_id)


@deploying.command("sagemaker")
def deploy_sagemaker(
    path: Path_,
    overrides: Set = None,
    export_uri: Annotated[
        str | None,
        typer.Option("--export", metavar="S3-URI", help="Folder that export wrote; default: the configuration's own."),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove the endpoint, its configuration and its model.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what was made when it fails, to look into it.")] = False,
) -> None:
    """Serve the exported model as an Amazon SageMaker endpoint.

    Makes a model, an endpoint configuration and an endpoint as run.sagemaker.endpoint says, waits until it is in
    service, asks it for three completions and prints how to call it. What failed or was interrupted is removed.

    The endpoint is billed until it is deleted: run the same command with --delete. Guide: docs/sagemaker.md.
    """
    from fimsmith.deploy import sagemaker
    from fimsmith.launch import aws

    configuration = configfile.load(path, overrides or [])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up as after Ctrl-C
    if delete:
        sagemaker.delete(configuration, export_uri)
    else:
        print(f"\n{sagemaker.deploy(configuration, export_uri, keep)}")
        print(f"delete    AWS_REGION={aws.region()} {shlex.join(['fimsmith', *sys.argv[1:], '--delete'])}")


@contextlib.contextmanager
def _kubeflow() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise FimsmithError(
            f"the pipeline needs Kubeflow's SDK ({error.name}): pip install 'fimsmith[kfp,cluster]'"
        ) from error


@app.command(rich_help_panel="Pipeline")
def preflight(path: Path_, overrides: Set = None) -> None:
    """Check configuration, sources and base model; spend nothing."""
    _load(path, overrides)
    print("ok")


@app.command(rich_help_panel=STAGE)
def ingest(path: Path_, overrides: Set = None) -> None:
    """Collect and filter the files of every source."""
    _done(*_load(path, overrides).ingest)


@app.command(rich_help_panel=STAGE)
def curate(path: Path_, overrides: Set = None) -> None:
    """Remove duplicates and leaked benchmarks; split; shard."""
    _done(_load(path, overrides).curate)


@app.command(rich_help_panel=STAGE)
def fim(
    path: Path_,
    overrides: Set = None,
    shard: Annotated[int | None, typer.Option(min=0, help="Only this shard; default: all.")] = None,
) -> None:
    """Cut fill-in-the-middle samples on syntax-tree spans."""
    chain = _load(path, overrides)
    if shard is not None and shard >= chain.config.curate.shards:
        raise FimsmithError(f"--shard {shard}: curate.shards is {chain.config.curate.shards}, counted from 0")
    _done(*(chain.fim if shard is None else [chain.shard(shard)]))


@app.command(rich_help_panel=STAGE)
def mix(path: Path_, overrides: Set = None) -> None:
    """Mix samples by exact token budgets and pack them."""
    _done(_load(path, overrides).mix)


@app.command(rich_help_panel=STAGE)
def train(path: Path_, overrides: Set = None) -> None:
    """Fine-tune the base model."""
    _done(_load(path, overrides).train)


@app.command(rich_help_panel=STAGE)
def evaluate(path: Path_, overrides: Set = None) -> None:
    """Score base and tuned model on the held-out FIM test set."""
    _done(*_load(path, overrides).evaluate)


@app.command(rich_help_panel=STAGE)
def gate(path: Path_, overrides: Set = None) -> None:
    """Decide whether the tuned model is good enough."""
    decision = _load(path, overrides).gate
    print("\n".join(decision.details["reasons"]))


@app.command(rich_help_panel=STAGE)
def export(path: Path_, overrides: Set = None) -> None:
    """Write the model as servers and IDEs take it."""
    _done(_load(path, overrides).export)


@app.command(rich_help_panel=STAGE)
def report(path: Path_, overrides: Set = None) -> None:
    """Write the HTML page about the whole run."""
    _done(_load(path, overrides).report)


@app.command(rich_help_panel=STAGE)
def card(path: Path_, overrides: Set = None) -> None:
    """Write the card about the data; train nothing."""
    _done(_load(path, overrides).card)


@app.command("tiny-model", rich_help_panel="Tools")
def tiny_model(
    path: Path_,
    overrides: Set = None,
    vocabulary: Annotated[int, typer.Option(min=384, help="Rows of the embedding.")] = 4096,
    hidden: Annotated[int, typer.Option(min=32, help="Width of the model.")] = 256,
    layers: Annotated[int, typer.Option(min=1, help="Layers of the model.")] = 4,
) -> None:
    """Make a tiny random DeepSeek-Coder look-alike at model.path, its tokenizer learned from the sources."""
    from fimsmith.train import tiny_model as tiny

    chain = Chain(configfile.load(path, overrides or []))
    preflight_stage.check_places(chain.config)
    texts = [row["text"] for made in chain.ingest for row in records.read(made.file("files.parquet"), ["text"])]
    place = chain.config.model.path
    folder = storage.mirror(place)
    tiny.build(texts, folder, vocabulary=vocabulary, hidden=hidden, layers=layers)
    if storage.is_remote(place):
        storage.send(folder, place, sorted(path.name for path in folder.glob("[!.]*") if path.is_file()))
        say("model", f"sent to {place}")


@app.command(rich_help_panel="Tools")
def doctor(
    path: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="Configuration to check; without: its defaults.")
    ] = None,
    overrides: Set = None,
) -> None:
    """Check this machine, the cluster and the store; say what mends each fault."""
    from fimsmith import doctor

    bad = 0
    for result in doctor.results(_examined(path, overrides) if path else None):
        print(result, flush=True)
        bad += result.ok is False
    if bad:
        raise typer.Exit(1)


def _examined(path: Path, overrides: list[str] | None) -> config.Config:
    """The doctor looks at `run` and `model` only: a chart's defaults, which may lack the rest, will do."""
    parts = configfile.load_parts(path, overrides or [])
    model = parts.get("model")
    return config.Config.model_construct(run=parts["run"], model=model if isinstance(model, config.Model) else None)


@app.command(rich_help_panel="Tools")
def schema(markdown: Annotated[bool, typer.Option(help="As docs/configuration.md instead of JSON.")] = False) -> None:
    """Print the configuration's schema."""
    import json

    from fimsmith import fields

    print(fields.markdown() if markdown else json.dumps(config.Config.model_json_schema(), indent=2))


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself."""


def main() -> None:
    """Run the command line; a person's mistake ends as one message and exit code 1."""
    try:
        app()
    except FimsmithError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nstopped; run the same command again to continue", file=sys.stderr)
        sys.exit(130)
