"""Bring a job's inputs from S3 to this machine's disk, before its processes start.

    python -m fimsmith.fetch SPEC

In a pod this is the init container: wrong credentials show before a GPU is used, and the
processes of one node do not fetch the same files side by side.
"""

import sys

from fimsmith.errors import FimsmithError
from fimsmith.jobspec import JobSpec, last_words


def main(location: str) -> int:
    """Fetch all inputs; returns the exit status."""
    try:
        JobSpec.read(location).fetch()
    except FimsmithError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        last_words(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
