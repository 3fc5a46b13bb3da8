import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from html_page import Page

from fimsmith import config, records, report
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest
from fimsmith.report import card, comparison, page, wording
from fimsmith.report.stages import Stages

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</code></pre></title></style><h1>owned</h1>",
    '" onmouseover="alert(1)" x=\'',
    "{{ 7 * 7 }}{% raw %}",
    "<!-- ]]>",
]


DRAWN = pytest.mark.parametrize("draw", [page.render, card.render], ids=["report", "card"])


def render(run: list[Manifest], draw: Callable[[config.Report, Stages], str] = page.render, **section: Any) -> str:
    return draw(config.Report(**section), Stages.of(run))


def changed(run: list[Manifest], stage: str, **parts: Any) -> list[Manifest]:
    """The run with parts of the details or metrics of a stage replaced."""
    made = []
    for each in run:
        update = {
            field: {
                **getattr(each, field),
                **{key: value for key, value in parts.items() if key in getattr(each, field)},
            }
            for field in ("details", "metrics")
        }
        made.append(each.model_copy(update=update) if each.stage == stage else each)
    return made


def poisoned(value: Any, poison: str) -> Any:
    """A value with a hostile string behind every string, keys included where they are data."""
    if isinstance(value, str):
        return value + poison
    if isinstance(value, list):
        return [poisoned(each, poison) for each in value]
    return {key: poisoned(each, poison) for key, each in value.items()} if isinstance(value, dict) else value


def poisoned_run(run: list[Manifest], poison: str) -> list[Manifest]:
    kept = {"model", "method"}  # digests that join manifests, and one of two words
    return [
        each.model_copy(
            update={
                "uri": each.uri + poison,
                "details": {key: v if key in kept else poisoned(v, poison) for key, v in each.details.items()},
            }
        )
        for each in run
    ]


def structure(read: Page) -> list[tuple[str, list[str]]]:
    """Elements and their attributes' names, without those that mark differences in completions."""
    return [(tag, sorted(attributes)) for tag, attributes in read.elements if tag not in ("span", "i")]


@DRAWN
@pytest.mark.parametrize("poison", HOSTILE)
def test_no_text_of_the_data_becomes_markup(run: list[Manifest], poison: str, draw: Any):
    run = changed(run, "ingest", redacted={"emails": 3})
    bad = Page(render(poisoned_run(run, poison), draw, title=poison))
    assert structure(bad) == structure(Page(render(run, draw)))
    assert bad.text.count(poison) > (100 if draw is page.render else 15)


@DRAWN
def test_hostile_keys_of_the_data_are_escaped_too(run: list[Manifest], draw: Any):
    key = "<img src=x onerror=alert(1)>"
    groups = {
        key: {"weight": 1.0, "share": 1.0, "tokens": 1, "epochs": 1.0, "samples": 1, "lengths": {}, "middles": {}}
    }
    run = changed(changed(run, "mix", groups=groups, policies={key: 1}), "curate", dropped={key: 1})
    result = Page(render(changed(run, "ingest", rejected={key: 1}, licences={key: 1}, redacted={key: 1}), draw))
    assert not [tag for tag, _ in result.elements if tag == "img"]
    assert key in result.text


@DRAWN
def test_the_page_loads_nothing_and_runs_nothing(run: list[Manifest], draw: Any):
    html = render(run, draw)
    loading = {"src", "href", "srcset", "data", "action", "poster", "background", "style", "xlink:href"}
    for tag, attributes in Page(html).elements:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form", "use", "image"}
        assert not [name for name in attributes if name in loading or name.startswith("on")]
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert not re.search(r"url\(|@import|@font-face|https?:", style)
    assert "default-src 'none'" in html


def test_the_page_keeps_the_order_of_its_sections(run: list[Manifest]):
    headings = [text for tag, text in Page(render(run)).texts if tag == "h2"]
    assert headings == [
        "Pipeline",
        "Data",
        "Token mix",
        "Training",
        "Before and after",
        "By kind of hole",
        "Sample completions",
        "Configuration",
        "Receipt",
    ]


def test_control_characters_and_overrides_are_shown_instead_of_obeyed(run: list[Manifest]):
    bad = "a\x00b\x1b[31mc\u202ed\ud800e\x85f\ufeffg"
    html = render(poisoned_run(run, bad), title=bad)
    html.encode()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", html)
    assert "a‹U+0000›b‹U+001B›[31mc‹U+202E›d‹U+D800›e‹U+0085›f‹U+FEFF›g" in html


def test_a_very_long_line_is_cut_and_its_length_is_said(run: list[Manifest]):
    example = {"path": "A.java", "kind": "char", "prefix": "p" * 5_000, "suffix": "s" * 5_000, "middle": "m" * 5_000}
    run = changed(run, "evaluate", examples=[{**example, "completion": "c" * 5_000}])
    html = render(run)
    assert max(len(letters) for letters in re.findall(r"p+|s+|m+|c+", html)) <= 1_000
    assert html.count("4,000 more characters") == 3


def test_chinese_text_is_written_as_it_is(run: list[Manifest]):
    html = render(run, title="订单与库存的代码补全")
    assert "<h1>订单与库存的代码补全</h1>" in html
    assert "校验订单金额，不能为负数" in html
    assert '<meta charset="utf-8">' in html


def test_the_verdict_is_one_sentence_with_the_key_number(run: list[Manifest]):
    text = Page(render(run)).text
    assert "Gate passed Edit similarity 4.1 → 31.7 (+27.6, 95 % 24.9…30.2) on 140 held-out samples" in text


def test_a_failed_gate_is_said_with_its_reasons(run: list[Manifest]):
    run = changed(run, "gate", passed=False, reasons=["codebleu 30 -> 29, gain -1; not met"])
    run = [
        each.model_copy(update={"details": {"withheld": True, "reasons": []}, "metrics": {}})
        if each.stage == "export"
        else each
        for each in run
    ]
    text = Page(render(run)).text
    assert "Gate not passed" in text
    assert "codebleu 30 -> 29, gain -1; not met" in text
    assert "withheld" in text


def test_all_measures_are_in_the_table(run: list[Manifest]):
    assert set(comparison.METRICS) == set(records.MEASURES)
    text = Page(render(run)).text
    assert all(metric.name in text for metric in comparison.METRICS.values())


def test_a_gain_is_only_coloured_when_its_interval_excludes_zero(run: list[Manifest]):
    def effect(name: str, low: float | None, high: float | None) -> str:
        gains = {**gate.details["gains"], name: {"base": 1.0, "tuned": 1.0, "gain": 0.0, "low": low, "high": high}}
        rows = comparison.scores(Stages.of(changed(run, "gate", gains=gains)))["rows"]
        return next(row["effect"] for row in rows if row["metric"] is comparison.METRICS[name])

    (gate,) = (each for each in run if each.stage == "gate")
    assert effect("edit_similarity", 0.1, 2.0) == "better"
    assert effect("edit_similarity", -2.0, -0.1) == "worse"
    assert effect("edit_similarity", -0.1, 2.0) == effect("edit_similarity", None, None) == ""
    assert effect("loss", -2.0, -0.1) == "better"
    assert effect("length_ratio", 0.1, 2.0) == ""


def test_base_and_tuned_completions_are_joined_whatever_their_order(run: list[Manifest]):
    reordered = [
        each.model_copy(update={"details": {**each.details, "examples": each.details["examples"][::-1]}})
        if each.stage == "evaluate" and each.details["model"] != Stages.of(run).train.digest
        else each
        for each in run
    ]
    rows = comparison.samples(Stages.of(run), 10)["rows"]
    assert len(rows) == 10
    assert comparison.samples(Stages.of(reordered), 10)["rows"] == rows


def test_only_the_first_samples_are_shown(run: list[Manifest]):
    assert len([tag for tag, _ in Page(render(run, samples=3)).elements if tag == "article"]) == 3


def test_a_completion_that_differs_in_outer_white_space_is_exact(run: list[Manifest]):
    example = {"path": "A.java", "kind": "line", "prefix": "int ", "suffix": "", "middle": "a = 1;"}
    (row,) = comparison.samples(
        Stages.of(changed(run, "evaluate", examples=[{**example, "completion": " a = 1;\n"}])), 9
    )["rows"]
    assert row["tuned"]["exact"]
    assert row["tuned"]["similarity"] == 100


def test_what_is_not_known_becomes_a_dash(run: list[Manifest]):
    unknown = {"gain": 1.0, "base": 1.0, "tuned": 2.0, "low": None, "high": None}
    (gate,) = (each for each in run if each.stage == "gate")
    run = changed(run, "gate", gains=dict.fromkeys(gate.details["gains"], unknown))
    run = changed(run, "ingest", rejected={}, licences={})
    run = changed(run, "curate", dropped={}, most_similar=None)
    run = changed(run, "train", curve=[], eval_curve=[])
    run = changed(run, "evaluate", examples=[])
    train = next(each for each in run if each.stage == "train")
    for name in ("eval_loss", "eval_loss_before"):
        del train.metrics[name]
    text = Page(render(run)).text
    for sentence in ("– → –", "No file was dropped.", "No losses were recorded.", "No completions were recorded."):
        assert sentence in text
    assert "Edit similarity 1.0 → 2.0 (+1.0) on" in text
    assert "None" not in text


@pytest.mark.parametrize("stage", ["preflight", "model", "curate", "mix", "train", "evaluate", "gate", "export"])
def test_a_missing_stage_is_named(run: list[Manifest], stage: str):
    with pytest.raises(DataError, match=f"manifest of {stage}"):
        Stages.of([each for each in run if each.stage != stage])


@DRAWN
def test_headings_tables_and_charts_can_be_read_aloud(run: list[Manifest], draw: Any):
    elements = Page(render(run, draw)).elements
    levels = [int(tag[1]) for tag, _ in elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in elements if tag == "th")
    outer = [attributes for tag, attributes in elements if tag == "svg" and "viewbox" not in attributes]
    assert outer
    assert all(attributes.get("aria-label") or attributes.get("aria-hidden") for attributes in outer)
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(attributes["aria-labelledby"] in ids for _, attributes in elements if "aria-labelledby" in attributes)


def _luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_texts_and_marks_have_the_contrast_of_wcag_aa(run: list[Manifest], scheme: int):
    block = re.findall(r":root \{(.*?)\}", render(run), re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w]+): (#[0-9a-f]{6})", block))
    for ground in ("page", "sheet"):
        for text in ("text", "muted", "good", "bad"):
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for mark in ("base", "tuned", *(f"g{number}" for number in range(1, 7))):
            assert _contrast(colours[mark], colours[ground]) >= 3, (mark, ground)
    for ground in ("tint", "wrong"):
        assert _contrast(colours["text"], colours[ground]) >= 4.5, ground
    assert _contrast(colours["muted"], colours["tint"]) >= 4.5


def test_the_same_manifests_give_the_same_bytes_in_any_order(run: list[Manifest], tmp_path):
    pages = [
        [(made.folder / name).read_bytes() for name in ("report.html", "data-card.html", "data-card.json")]
        for made in (
            report.build(config.Report(), manifests, str(tmp_path / name))
            for name, manifests in (("a", run), ("b", run[::-1]))
        )
    ]
    assert pages[0] == pages[1]
    assert all(html.startswith(b"<!doctype html>") for html in pages[0][:2])


def test_a_second_build_returns_the_first_page(run: list[Manifest], tmp_path, capsys: pytest.CaptureFixture[str]):
    first = report.build(config.Report(), run, str(tmp_path))
    assert report.build(config.Report(), run[::-1], str(tmp_path)) == first
    assert f"report    {first.folder / 'report.html'}" in capsys.readouterr().out


def test_another_version_in_a_job_is_shown_beside_the_first(run: list[Manifest]):
    text = Page(render(changed(run, "evaluate", versions={"torch": "9.9.9"}))).text
    assert "2.13.0 (training: 2.13.0+cpu) (evaluation: 9.9.9)" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.04, "0.0 s"), (9.94, "9.9 s"), (59.7, "1 min 00 s"), (3599, "59 min 59 s"), (8040, "2 h 14 min")],
)
def test_times_are_written_as_people_say_them(seconds: float | None, text: str):
    assert wording.span(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(9_999, "9,999"), (10_000, "10 k"), (1_300_000, "1.3 M"), (2.5e9, "2.5 B")]
)
def test_large_counts_are_short(number: float, text: str):
    assert wording.short(number) == text


def test_a_split_by_time_names_its_cut_offs(run: list[Manifest]):
    (curate,) = (each for each in run if each.stage == "curate")
    curate.details["cutoffs"] = {"test": "2026-02-03T04:05:06Z", "valid": "2026-01-02T03:04:05Z"}
    text = Page(render(run)).text
    assert "Code last changed at or after 2026-02-03T04:05:06Z was held out for test." in text
    assert "Code last changed at or after 2026-01-02T03:04:05Z was held out for validation." in text
