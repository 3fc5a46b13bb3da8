"""The whole fine-tuning as one Kubeflow pipeline.

    kfp dsl compile --py pipelines/finetune.py --output pipeline.yaml

One parameter per section of the configuration: a change of `train` does not rebuild the data.
The gate's answer reaches `export` through its manifest rather than through a condition, because
the report must describe a withheld model as well.
"""

# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false
# (kfp's decorator keeps the Python signature, outputs included; callers pass inputs and get a task)

from typing import List  # noqa: UP035

from kfp import dsl, kubernetes

from components import images
from components.curate import curate as curate_files
from components.evaluate import evaluate as evaluate_model
from components.export import export as export_model
from components.fim import fim as cut_samples
from components.gate import gate as decide
from components.ingest import ingest as ingest_source
from components.mix import mix as mix_samples
from components.preflight import preflight
from components.report import report as write_report
from components.train import train as train_model

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION")


def _placed(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Give a task's pod what every pod needs: the store's keys, where there are any, and no root."""
    kubernetes.use_secret_as_env(task, images.SECRET, {key: key for key in _KEYS}, optional=True)
    return kubernetes.set_security_context(task, run_as_non_root=True)


def dag(
    model: dict,
    sources: List[dict],  # noqa: UP006  KFP takes the type of a loop item from typing
    mix: dict,
    root: str = "fimsmith-data",
    run: dict = {},  # noqa: B006  KFP copies defaults into the specification
    ingest: dict = {},  # noqa: B006
    curate: dict = {},  # noqa: B006
    fim: dict = {},  # noqa: B006
    train: dict = {},  # noqa: B006
    evaluate: dict = {},  # noqa: B006
    gate: dict = {},  # noqa: B006
    export: dict = {},  # noqa: B006
    report: dict = {},  # noqa: B006
):
    """Check, build the data, train, evaluate base and tuned model, decide, export and report."""
    checked = preflight(
        root=root,
        run=run,
        model=model,
        sources=sources,
        ingest=ingest,
        curate=curate,
        fim=fim,
        mix=mix,
        train=train,
        evaluate=evaluate,
        gate=gate,
        export=export,
        report=report,
    )
    _placed(checked)
    base = checked.outputs["base"]

    with dsl.ParallelFor(sources, parallelism=8) as source:
        ingested = _placed(ingest_source(section=ingest, source=source, root=root).after(checked))
    # the compiler changes a Collected where it is used, so each use gets its own
    files = [dsl.Collected(ingested.outputs["files"]) for _ in range(2)]
    curated = _placed(curate_files(section=curate, root=root, files=files.pop())).outputs["curated"]
    with dsl.ParallelFor(checked.outputs["Output"], parallelism=16) as shard:
        cut = _placed(cut_samples(section=fim, shard=shard, root=root, curated=curated, base=base))
    samples = [dsl.Collected(cut.outputs["samples"]) for _ in range(5)]
    packed = _placed(mix_samples(section=mix, root=root, samples=samples.pop(), base=base)).outputs["packed"]

    tuned = _placed(train_model(section=train, run=run, root=root, base=base, packed=packed)).outputs["tuned"]
    before = _placed(evaluate_model(section=evaluate, run=run, root=root, model=base, samples=samples.pop()))
    before.set_display_name("evaluate base")
    after = _placed(evaluate_model(section=evaluate, run=run, root=root, model=tuned, samples=samples.pop()))
    after.set_display_name("evaluate tuned")
    scores = {"base_scores": before.outputs["scores"], "tuned_scores": after.outputs["scores"]}

    decided = _placed(decide(section=gate, root=root, base=before.outputs["scores"], tuned=after.outputs["scores"]))
    decision = decided.outputs["decision"]
    made = {"receipt": checked.outputs["receipt"], "base": base, "tuned": tuned, "decision": decision, **scores}
    exported = _placed(export_model(section=export, run=run, root=root, samples=samples.pop(), **made))
    written = write_report(
        section=report,
        root=root,
        files=files.pop(),
        curated=curated,
        samples=samples.pop(),
        packed=packed,
        model=exported.outputs["model"],
        **made,
    )
    _placed(written)


finetune = dsl.pipeline(name="fimsmith", description="Fine-tune a code model on a company's own Java.")(dag)
