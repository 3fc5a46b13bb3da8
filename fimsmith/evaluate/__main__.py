"""Entry of the evaluation job: python -m fimsmith.evaluate SPEC"""

import sys

from fimsmith.jobspec import JobSpec, importing


def main(path: str) -> int:
    """Evaluate as the specification says; returns the exit status."""
    with importing():
        from fimsmith.evaluate import stage  # imports torch: the scoring processes import this file and shall not
    return JobSpec.read(path).carry_out(stage.build)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
