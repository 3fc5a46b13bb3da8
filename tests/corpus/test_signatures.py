"""What other files see of a type, and that only training files give it, and their code."""

from pathlib import Path
from typing import Any

import pytest
from java_texts import ingest, java, write

from fimsmith import config, corpus, records
from fimsmith.corpus.signatures import signatures
from fimsmith.manifest import Manifest

SOURCE = """package a . /* of the shop */ b;
@Entity(name = "x") public abstract class A<T extends B> extends C implements D, E {
    @Inject protected final int x = 1, y[] = {1};
    private int hidden = 2;
    int hiddenToo;
    public A(@Named("s") String s /* not null */,
            int b) throws F { super(); }
    private void no() {}
    /** Javadoc. */
    @Override public <U> List<U> f(int... a) { return null; }
    protected abstract void g();
    public int broken( { }
    public enum K implements Z { ONE(1) { void g() {} }, @Deprecated TWO; public int v() { return 1; } int w() { return 2; } }
    public record P(@Min(1) int a, String b) implements Q { public P { } public static int z = 3; }
    public @interface N { String value() default "x"; int M = 1; }
    protected interface I { int Z = 2; void m(); default int k() { return 1; } private void l() {} }
    private static class Hidden { public int x; }
}
"""


def lines(text: str) -> list[str]:
    return [line for each in signatures(text) for line in each["signature"].split("\n")]


def test_headers_and_visible_members_are_kept_without_bodies_values_comments_and_annotations():
    whole = SOURCE.replace("    public int broken( { }\n", "")
    assert [(each["package"], each["type"]) for each in signatures(whole)] == [("a.b", "A")]
    assert lines(whole) == [
        "public abstract class A<T extends B> extends C implements D, E {",
        "    protected final int x, y[];",
        "    public A(String s, int b) throws F;",
        "    public <U> List<U> f(int... a);",
        "    protected abstract void g();",
        "    public enum K implements Z {",
        "        ONE, TWO;",
        "        public int v();",
        "    }",
        "    public record P(int a, String b) implements Q {",
        "        public static int z;",
        "    }",
        "    public @interface N {",
        "        String value();",
        "        int M;",
        "    }",
        "    protected interface I {",
        "        int Z;",
        "        void m();",
        "        default int k();",
        "    }",
        "}",
    ]


@pytest.mark.parametrize(
    "text",
    [
        SOURCE,
        "",
        "class",
        "class A",
        "class { }",
        "package ;",
        "import a.b;",
        "}{",
        "enum E",
        "class 订单 { public int 数; }",
    ],
)
def test_damaged_files_give_what_can_be_read(text: str):
    for each in signatures(text):
        assert each["type"]
        assert "broken" not in each["signature"]


def test_every_top_level_type_is_named():
    found = signatures("class A {} interface B {} enum C { X } record D(int a) {} @interface E {}")
    assert [each["type"] for each in found] == list("ABCDE")
    assert {each["package"] for each in found} == {""}


def test_a_type_of_thousands_of_members_is_cut():
    text = "class A {" + "".join(f"public static final int C{number} = {number};\n" for number in range(5_000)) + "}"
    assert 100 < len(lines(text)) < 300


def test_types_nested_without_end_are_cut():
    assert 5 < len(lines("public class A {" * 3_000 + "}" * 3_000)) < 20


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    home = tmp_path_factory.mktemp("code")
    content = {
        f"r{at % 3}/A{at}.java": java(at).replace("class C", f"public class C{at}") for at in reversed(range(60))
    }
    content |= {f"r{at}/pom.xml": "" for at in range(3)}
    return ingest(write(home / "in", content), home / "out", name="business")


def curated(code: Manifest, root: Path, **section: Any) -> Manifest:
    return corpus.curate(config.Curate(valid=0.2, test=0.2, **section), [code], str(root))


def test_only_training_files_give_signatures_in_the_order_of_the_files(code: Manifest, tmp_path: Path):
    made = curated(code, tmp_path, signatures=True, shards=1)
    files = list(records.read(made.folder / "files-00000.parquet"))
    trained = [(row["source"], row["repository"], row["path"]) for row in files if row["split"] == "train"]
    found = list(records.read(made.folder / "signatures.parquet"))
    assert [(row["source"], row["repository"], row["path"]) for row in found] == trained
    assert len(trained) < len(files)
    assert {row["type"] for row in found} == {f"C{Path(path).stem[1:]}" for _, _, path in trained}


def test_only_training_files_give_snippets_in_the_order_of_the_files(code: Manifest, tmp_path: Path):
    made = curated(code, tmp_path, snippets=True, shards=1)
    files = list(records.read(made.folder / "files-00000.parquet"))
    trained = [row for row in files if (row["split"], row["kind"]) == ("train", "java")]
    assert len(trained) < len(files)
    names = records.SNIPPETS.names
    found = list(records.read(made.folder / "snippets.parquet"))
    assert found == [{name: row[name] for name in names} for row in trained]


def test_what_holds_parts_of_a_benchmark_gives_no_signatures_and_no_snippets(code: Manifest, tmp_path: Path):
    benchmark = tmp_path / "b.txt"
    benchmark.write_text(java(5))
    made = curated(code, tmp_path, signatures=True, snippets=True, decontaminate=[str(benchmark)])
    assert made.metrics["contaminated"] == 1
    assert "C5" not in {row["type"] for row in records.read(made.folder / "signatures.parquet")}
    paths = {Path(row["path"]).name for row in records.read(made.folder / "snippets.parquet")}
    assert "A5.java" not in paths
    assert paths


@pytest.mark.parametrize("option", ["signatures", "snippets"])
def test_without_the_option_the_files_are_the_same_and_nothing_is_added(code: Manifest, tmp_path: Path, option: str):
    without, with_them = (curated(code, tmp_path, **{option: wanted}) for wanted in (False, True))
    assert with_them.files.keys() - without.files.keys() == {f"{option}.parquet"}
    for name in without.files:
        assert (without.folder / name).read_bytes() == (with_them.folder / name).read_bytes()
