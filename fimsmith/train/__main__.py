"""Entry of the training job: torchrun -m fimsmith.train SPEC."""

import ctypes
import os
import re
import signal
import sys
import traceback
from pathlib import Path

from fimsmith import storage
from fimsmith.errors import FimsmithError, StoppedError
from fimsmith.jobspec import JobSpec, importing, last_words

_LOST = "lost: "  # begins the last words of a process that can be started again
_PEER = re.compile(r"connection (?:closed|reset)|broken pipe|timed out|NCCL|socket", re.IGNORECASE)


def main(path: str) -> int:
    """Train as the specification says; a FimsmithError becomes its message in log/error.txt."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: do not outlive torchrun
    spec = JobSpec.read(path)
    try:
        with importing():
            from fimsmith.train import loop  # imports torch
        with storage.explained(Path(spec.folder)):
            loop.run(spec)
    except FimsmithError as error:
        spec.fail(f"{error}")
        if isinstance(error, StoppedError):
            last_words(f"{_LOST}{error}")
        return 1
    except BaseException as error:
        traceback.print_exc()
        if isinstance(error, RuntimeError) and _PEER.search(str(error)):
            last_words(f"{_LOST}another process of the training is gone ({str(error).splitlines()[0][:200]})")
        return 1
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # gloo's threads now and then abort a process that ends in the usual way
