"""Entry of the training job: torchrun -m fimsmith.train SPEC."""

import ctypes
import os
import signal
import sys
import traceback
from pathlib import Path

from fimsmith import storage
from fimsmith.errors import FimsmithError
from fimsmith.manifest import JobSpec


def main(path: str) -> int:
    """Train as the specification says; a FimsmithError becomes its message in log/error.txt."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: do not outlive torchrun
    spec = JobSpec.read(path)
    try:
        from fimsmith.train import loop  # imports torch

        with storage.explained(Path(spec.folder)):
            loop.run(spec)
    except FimsmithError as error:
        storage.write_atomically(Path(spec.folder) / "log" / "error.txt", f"{error}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # gloo's threads now and then abort a process that ends in the usual way
