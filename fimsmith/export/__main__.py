"""Entry of the export job: python -m fimsmith.export SPEC"""

import sys

from fimsmith.jobspec import JobSpec, importing

with importing():
    from fimsmith.export import stage  # imports torch

if __name__ == "__main__":
    sys.exit(JobSpec.read(sys.argv[1]).carry_out(stage.build))
