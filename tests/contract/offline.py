"""What the container does before its processes start, with neither a network nor the two files that nobody reads."""

import os
import pathlib
import socket

from fimsmith import sagemaker


def read() -> None:
    """Print what the inputs hold."""

    def refuse(*_: object) -> None:
        raise SystemExit("it opened a connection")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    root = pathlib.Path(os.environ[sagemaker.ROOT])
    for name in ("hyperparameters", "inputdataconfig"):
        (root / f"input/config/{name}.json").unlink()
    spec = sagemaker._spec(sagemaker.Host.read(root))
    print(*[pathlib.Path(each.uri, "a/b").read_text() for each in spec.inputs])
