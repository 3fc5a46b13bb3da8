"""Source text becomes exactly the ids that its pieces have, and never a control token."""

import json
import os
import unicodedata
import zipfile
from itertools import accumulate
from pathlib import Path

import pytest
import small_tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tokenizers import DEEPSEEK, JAVA, LLAMA, QWEN, SENTINELS, STARCODER
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from fimsmith.documents import LineDocument, encoded
from fimsmith.errors import ModelError
from fimsmith.tokenizer import SourceTokenizer, _Recent

DATA = os.environ.get("FIMSMITH_TEST_DATA")
JDK = sorted(Path("/usr/lib/jvm").glob("*/src.zip")) + sorted(Path("/usr/lib/jvm").glob("*/lib/src.zip"))
STYLES = {
    "deepseek": DEEPSEEK,
    "qwen": QWEN,
    "starcoder": STARCODER,
    "lines": DEEPSEEK,
    "gpt2": QWEN,
    "llama": LLAMA,
}
_WORDS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(" \t\n\r\f\v(){};+=0123456789_订é😀\x1c\x1f\x7f\x85\u2028\u2029\u0301"),
        st.sampled_from(JAVA),
    ),
    max_size=30,
)
_SPACES = st.sampled_from(
    ["\n\n", "\r\n", " \n", "\n    ", "\n\t\tx", " \r\n \n", "    ", "it's", "WE'LL ", "'re", " 7"]
)
TEXTS = st.lists(st.one_of(_WORDS, _SPACES), max_size=8).map("".join)


@pytest.fixture(scope="module", params=[*STYLES, "real"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "real":
        if not DATA:
            pytest.skip("FIMSMITH_TEST_DATA is not set: no tokenizer of DeepSeek-Coder")
        return Path(DATA) / "deepseek-coder-tokenizer"
    return small_tokenizers.build(tmp_path_factory.mktemp("tokenizer"), STYLES[request.param], request.param)


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> SourceTokenizer:
    return SourceTokenizer(folder)


@pytest.fixture(scope="module")
def reference(folder: Path) -> Tokenizer:
    """The model's own tokenizer, without what it adds on its own."""
    whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
    if isinstance(whole.normalizer, normalizers.Sequence):
        whole.normalizer = whole.normalizer[1]  # without the dummy space in front
    return whole


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_text_is_encoded_as_by_the_models_own_tokenizer(tokenizer: SourceTokenizer, reference: Tokenizer, text: str):
    # these are ordinary text here; DeepSeek-Coder's include letters such as ü, which decode to broken bytes
    for token in reference.get_added_tokens_decoder().values():
        text = text.replace(token.content, "")
    ids = reference.encode(text, add_special_tokens=False).ids
    assert tokenizer.encode(text) == ids
    assert tokenizer.unpack(tokenizer.joined(text)) == ids


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_any_text_survives_encoding_and_decoding(tokenizer: SourceTokenizer, text: str):
    if tokenizer.format.family == "codellama":
        text = text.replace("▁", " ")  # SentencePiece has one token for both
    if tokenizer.format.family == "qwen2.5-coder":
        text = unicodedata.normalize("NFC", text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("sentinel", [*SENTINELS, " <PRE>"])
def test_a_sentinel_in_source_text_is_ordinary_text(tokenizer: SourceTokenizer, sentinel: str):
    text = f'int {sentinel} = 1; // {sentinel}\nString s = "{sentinel}";\n{sentinel}{sentinel}\n'
    ids = tokenizer.unpack(encoded(tokenizer, [text])[0].cut(0, len(text)))
    form = tokenizer.format
    assert {form.begin, form.hole, form.end, form.stop, form.eos, form.bos, form.pad}.isdisjoint(ids)
    shown = text.replace("▁", " ") if form.family == "codellama" else text
    assert tokenizer.decode(ids) == shown


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, data=st.data())
def test_a_cut_gives_the_ids_of_the_cut_text(tokenizer: SourceTokenizer, text: str, data: st.DataObject):
    document = encoded(tokenizer, [text])[0]
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    assert tokenizer.unpack(document.cut(start, end)) == tokenizer.encode(text[start:end])
    assert len(document) == len(tokenizer.encode(text))


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.one_of(TEXTS, TEXTS.map(lambda text: text.encode("ascii", "ignore").decode())), max_size=5))
def test_files_encoded_together_have_the_ids_they_have_alone(tokenizer: SourceTokenizer, texts: list[str]):
    for text, document in zip(texts, encoded(tokenizer, texts), strict=True):
        assert document.text == text
        assert tokenizer.unpack(document.cut(0, len(text))) == tokenizer.encode(text)
        if isinstance(document, LineDocument) and tokenizer.splits:
            lines = tokenizer.splits.lines.findall(text)
            assert document._starts == [0, *accumulate(map(len, lines))]
        middle = len(text) // 2
        assert tokenizer.unpack(document.before(middle, 10_000)[0]) == tokenizer.encode(text[:middle])
        assert tokenizer.unpack(document.after(middle, 10_000)[0]) == tokenizer.encode(text[middle:])


@pytest.mark.skipif(not JDK, reason="no source code of a JDK below /usr/lib/jvm (openjdk-17-source)")
def test_pieces_of_real_code_have_the_ids_of_the_models_own_tokenizer(tokenizer: SourceTokenizer, reference: Tokenizer):
    with zipfile.ZipFile(JDK[0]) as archive:
        files = sorted(name for name in archive.namelist() if name.endswith(".java"))[
            :: 200 if tokenizer.by_line else 2_000
        ]
        texts = [archive.read(name).decode("utf-8", "replace") for name in files]
    for number, text in enumerate(texts):
        document, size = encoded(tokenizer, [text])[0], len(text)
        start = number * 7919 % (size + 1)
        end = start + number * 104729 % (size - start + 1)
        for piece in ((0, start), (start, end), (end, size)):
            wanted = reference.encode(text[slice(*piece)], add_special_tokens=False).ids
            assert tokenizer.unpack(document.cut(*piece)) == wanted, (files[number], piece)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, room=st.integers(0, 60), data=st.data())
def test_context_fits_its_room_and_is_exact(tokenizer: SourceTokenizer, text: str, room: int, data: st.DataObject):
    document, at = encoded(tokenizer, [text])[0], data.draw(st.integers(0, len(text)))
    packed, start = document.before(at, room)
    before = tokenizer.unpack(packed)
    packed, end = document.after(at, room)
    after = tokenizer.unpack(packed)
    assert before == tokenizer.encode(text[start:at])
    assert after == tokenizer.encode(text[at:end])
    assert len(before) <= room
    assert len(after) <= room


def test_context_takes_whole_lines_and_as_many_as_fit(tokenizer: SourceTokenizer):
    text = JAVA * 20
    document, at = encoded(tokenizer, [text])[0], text.index("sum +=", len(text) // 2)
    for room in (30, 100, 250):
        _, start = document.before(at, room)
        _, end = document.after(at, room)
        assert text[start - 1] == text[end - 1] == "\n"
        assert len(tokenizer.encode(text[text.rindex("\n", 0, start - 1) + 1 : at])) > room
        assert len(tokenizer.encode(text[at : text.index("\n", end) + 1])) > room


def test_all_context_is_taken_when_there_is_room(tokenizer: SourceTokenizer):
    document, at = encoded(tokenizer, [JAVA])[0], JAVA.index("sum +=")
    assert document.before(at, 10_000)[1] == 0
    assert document.after(at, 10_000)[1] == len(JAVA)


def test_a_line_longer_than_the_room_is_cut_inside(tokenizer: SourceTokenizer):
    text = "x = " + " + ".join(map(str, range(2000))) + ";"
    packed, end = encoded(tokenizer, [text])[0].after(4, 50)
    ids = tokenizer.unpack(packed)
    assert 0 < len(ids) <= 50
    assert ids == tokenizer.encode(text[4:end])
    packed, start = encoded(tokenizer, [text])[0].before(len(text), 50)
    ids = tokenizer.unpack(packed)
    assert 0 < len(ids) <= 50
    assert ids == tokenizer.encode(text[start:])


def test_only_tokenizers_that_isolate_line_ends_work_by_line(tmp_path: Path):
    by_line = {
        style: SourceTokenizer(small_tokenizers.build(tmp_path / style, family, style)).by_line
        for style, family in STYLES.items()
    }
    assert [style for style, exact in by_line.items() if exact] == ["deepseek", "qwen", "starcoder", "lines"]


@pytest.mark.parametrize("style", ["deepseek", "qwen"])
def test_neither_a_wrapped_normalizer_nor_limits_of_length_change_the_ids(tmp_path: Path, style: str):
    path = small_tokenizers.build(tmp_path, STYLES[style], style) / "tokenizer.json"
    text = "// 订单的总金额 é: a long comment\n" * 4
    ids = SourceTokenizer(tmp_path).encode(text)
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["normalizer"] = {"type": "Sequence", "normalizers": list(filter(None, [plain["normalizer"]]))}
    plain["truncation"] = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    fixed = {"strategy": {"Fixed": 500}, "direction": "Left", "pad_to_multiple_of": None}
    plain["padding"] = fixed | {"pad_id": 0, "pad_type_id": 0, "pad_token": "x"}
    path.write_text(json.dumps(plain), encoding="utf-8")
    tokenizer = SourceTokenizer(tmp_path)
    assert tokenizer.by_line
    assert tokenizer.encode(text) == ids
    assert tokenizer.decode(ids) == text


@pytest.mark.parametrize("change", ["another pattern", "another normalizer", "one more step"])
def test_a_pre_tokenizer_that_is_not_known_exactly_is_left_to_do_its_work(tmp_path: Path, change: str):
    path = small_tokenizers.build(tmp_path, QWEN, "qwen") / "tokenizer.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    steps = plain["pre_tokenizer"]["pretokenizers"]
    if change == "another pattern":
        steps[0]["pattern"]["Regex"] = steps[0]["pattern"]["Regex"].replace(r"\p{N}|", r"\p{N}{1,3}|", 1)
    elif change == "another normalizer":
        plain["normalizer"] = {"type": "NFKC"}
    else:
        steps.insert(0, {"type": "Whitespace"})
    path.write_text(json.dumps(plain), encoding="utf-8")
    tokenizer, reference = SourceTokenizer(tmp_path), Tokenizer.from_file(str(path))
    assert not tokenizer.by_line
    text = "int x = 12345; // ﬁrst\n\n"
    packed = encoded(tokenizer, [text])[0].cut(0, len(text))
    assert tokenizer.unpack(packed) == reference.encode(text, add_special_tokens=False).ids


def test_lines_are_encoded_once_and_only_so_many_are_remembered():
    asked: list[str] = []

    def make(text: str) -> bytes:
        asked.append(text)
        return text.encode()

    recent = _Recent(make, 10)
    for number in range(1_000):
        assert recent[str(number)] == str(number).encode()
        assert recent["everywhere"] == b"everywhere"
    assert len(recent) + len(recent._older) <= 20
    assert len(asked) == len(set(asked)) == 1_001
    assert recent["x" * 10_000] == b"x" * 10_000
    assert "x" * 10_000 not in recent


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        SourceTokenizer(tmp_path)


def test_a_vocabulary_that_reaches_a_control_token_by_itself_is_refused(tmp_path: Path):
    made = Tokenizer(BPE(ignore_merges=True))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    family = STARCODER
    names = [family.begin, family.hole, family.end, family.stop, "<fim_pad>"]
    made.train_from_iterator(
        [JAVA],
        BpeTrainer(
            special_tokens=[AddedToken(name) for name in names],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    made.save(str(tmp_path / "tokenizer.json"))
    tokenizer = SourceTokenizer(tmp_path)
    with pytest.raises(ModelError, match="control token"):
        tokenizer.encode("<fim_prefix>")


@pytest.mark.skipif(not DATA, reason="FIMSMITH_TEST_DATA is not set: no golden encodings of DeepSeek-Coder")
def test_the_golden_encodings_of_deepseek_coder():
    folder = Path(DATA or "") / "deepseek-coder-tokenizer"
    texts = (folder / "golden.inp").read_text(encoding="utf-8").split("\n__ggml_vocab_test__\n")
    wanted = [list(map(int, line.split())) for line in (folder / "golden.out").read_text().splitlines()]
    tokenizer = SourceTokenizer(folder)
    got = [tokenizer.encode(text) for text in texts]
    assert len(got) >= 40
    assert got[: len(wanted)] == wanted[: len(got)]
