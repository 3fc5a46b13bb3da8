import pytest
from java_texts import java

from fimsmith import config
from fimsmith.corpus import boilerplate
from fimsmith.corpus.filters import File, reason

FIELDS = ("name", "street", "city", "country", "code")


def entity(more: str = "", setter: str = "this.{0} = {0};", kind: str = "class Address") -> str:
    """A class with a field, a getter and a setter for each of the fields."""
    lines = [f"    private String {name};\n" for name in FIELDS]
    for name in FIELDS:
        lines += [
            f"\n    /** Returns the {name}. */\n    public String get{name.title()}() {{\n        return {name};\n    }}\n",
            f"\n    public void set{name.title()}(String {name}) {{\n        {setter.format(name)}\n    }}\n",
        ]
    return f"package shop;\n\nimport java.util.Objects;\n\npublic {kind} {{\n{''.join(lines)}{more}}}\n"


EQUALS = """
    @Override
    public boolean equals(Object other) {
        if (this == other) {
            return true;
        }
        return other instanceof Address && Objects.equals(name, ((Address) other).name);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, street);
    }

    @Override
    public String toString() {
        return "Address " + name + street;
    }
"""


@pytest.mark.parametrize(
    "text",
    [
        entity(),
        entity(EQUALS),
        entity(setter="this.{0} = {0} == null ? null : {0}.trim();"),
        entity(setter="this.{0} = {0}; return this;").replace("void set", "Address set"),
        entity("    Address(String name) {\n        super();\n        this.name = name;\n    }\n"),
        entity("\n    public static class Key {\n        private int id = 7;\n    }\n"),
    ],
)
def test_fields_with_their_accessors_are_boilerplate(text: str):
    assert boilerplate.kind(text) == "accessors"


@pytest.mark.parametrize(
    "text",
    [
        entity("    String line() {\n        return street + city;\n    }\n"),
        entity("    public String getLine() {\n        return String.join(street, city);\n    }\n"),
        entity(setter='this.{0} = {0}; audit.log("{0}");'),
        entity("    Address(String name) {\n        check(name);\n    }\n"),
        entity("    Runnable run = new Runnable() {\n        public void run() {}\n    };\n"),
        entity("    static {\n        load();\n    }\n"),
        "package shop;\n\npublic record Address(String name, String street) {\n}\n",
        "package shop;\n\n@Data\n@Builder\npublic class Address {\n    private String name;\n    private String street;\n}\n",
        "public class Pair {\n    private int a;\n    public int getA() {\n        return a;\n    }\n}\n",
        entity().replace("return code;", "return ;;;("),
        java(1),
    ],
)
def test_a_class_with_any_logic_is_none_and_neither_are_records_lombok_and_small_classes(text: str):
    assert boilerplate.kind(text) is None


ROWS = range(150)


@pytest.mark.parametrize(
    "text",
    [
        "class A {\n    static final int[][] TABLE = {\n"
        + "".join(f"        {{{n}, 0x{n:x}, -{n}}},\n" for n in ROWS)
        + "    };\n    int at(int row) {\n        return TABLE[row][0];\n    }\n}\n",
        "public interface Codes {\n"
        + "".join(f'    public static final String CODE_{n} = "{n}"; // {n}\n' for n in ROWS)
        + "}\n",
        "public enum Code {\n"
        + "".join(f'    CODE_{n}({n}, "订单 {n}"),\n' for n in ROWS)
        + "    ;\n    Code(int number, String text) {\n    }\n}\n",
        "class Messages extends ListResourceBundle {\n    Object[][] getContents() {\n        return new Object[][] {\n"
        + "".join(f'            {{ "key.{n}",\n              "text of " + NUMBER + \'{n % 10}\' }},\n' for n in ROWS)
        + "        };\n    }\n}\n",
    ],
)
def test_tables_of_constants_are_boilerplate(text: str):
    assert boilerplate.kind(text) == "constants"


@pytest.mark.parametrize(
    "text",
    [
        "class Codes {\n" + "".join(f'    static final String CODE_{n} = "{n}";\n' for n in range(90)) + "}\n",
        "class A {\n    int[] table = {\n" + "        1, 2, 3,\n" * 150 + "    };\n" + java(2, lines=80) + "}\n",
        "interface Codes {\n"
        + "".join(f"    /**\n     * Says that step {n} is done.\n     */\n    int CODE_{n} = {n};\n" for n in ROWS)
        + "}\n",
        java(3, lines=200),
    ],
)
def test_small_tables_and_tables_beside_code_or_documentation_are_none(text: str):
    assert boilerplate.kind(text) is None


def dropped(texts: list[str], keep: float, kind: str = "java") -> list[str | None]:
    section = config.Ingest(keep_boilerplate=keep)
    return [reason(File("A.java", kind, len(text), text, None), section) for text in texts]


def test_the_share_that_is_kept_is_drawn_by_the_text():
    texts = [entity(f"    int field{number};\n") for number in range(400)]
    some = dropped(texts, 0.1)
    assert 15 < some.count(None) < 65
    assert set(some) == {None, "accessors"}
    assert dropped(texts[::-1], 0.1)[::-1] == some
    more = dropped(texts, 0.3)
    assert all(after is None for before, after in zip(some, more, strict=True) if before is None)
    assert dropped(texts, 1) == [None] * 400
    assert dropped(texts, 0) == ["accessors"] * 400


def test_text_is_never_boilerplate():
    assert dropped([entity()], 0, kind="text") == [None]
