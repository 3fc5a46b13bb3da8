"""What the fuzz targets share: what they begin with, and how they are started."""

import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

HOME = Path(__file__).parents[1]
sys.path[:0] = [str(HOME), str(HOME / "tests"), str(HOME / "tests" / "fim"), str(HOME / "tests" / "corpus")]
FOLDER = Path(tempfile.gettempdir(), "fimsmith-fuzz")  # is kept: the next run goes on from what this one found
SHOP = [path.read_bytes() for path in sorted((HOME / "examples" / "shop").rglob("*.java"))]
PAGE = b"<html><body><main><h1>Orders</h1><pre>int a;</pre><ul><li>one<li><a href=x>two</a></ul></main></body></html>"
PASSWORD, KEY = "Rt7kq9" + "zLm", "AKIA" + "QYLPMN5HHHFPZAM2"
SECRETS = f"""class A {{ /* zhang@corp.cn 13912345678 440308199901101512 */ String password = "{PASSWORD}";
 String u = "redis://u:{PASSWORD}@db.corp/0"; // {KEY} jdbc:mysql://db/shop?password={PASSWORD}&ssl=true
 String s = \"\"\"\n a@corp.cn \"\"\" ; char c = '\\''; }}
""".encode()
WORDS = """class interface record enum @interface switch( case default for( if( else return -> :: { } ( ) [ ] < > ; = @ " \"\"\" '
// /* /** */ \\ \\u0041 订单 é 😀 're <|fim_prefix|> <｜fim▁begin｜> <｜fim▁hole｜> <｜fim▁end｜> <｜end▁of▁sentence｜> <fim_prefix> ▁<PRE>
a@corp.cn 13912345678 440308199901101512 password= AKIA redis://u: @db.corp <!-- --> <p> </p> <pre>"""
BLANKS = ("\r\n", "\r", "\f", "\v", "\t", "\n\n", "    ", "\u2028", "\u0301", "\ufeff")


def fuzz(target: Callable[[bytes], None], seeds: Iterable[bytes], size: int = 1_500) -> None:
    """Call a target with mutated seeds, of `size` bytes at most, until libFuzzer's options on the command line end it."""
    folder = FOLDER / Path(sys.argv[0]).stem
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed[:size])
    dictionary = folder.with_suffix(".dict")
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in (*WORDS.split(), *BLANKS)))
    atheris.Setup([sys.argv[0], f"-max_len={size}", f"-dict={dictionary}", *sys.argv[1:], str(folder)], target)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())
