"""Entry of the export job: python -m fimsmith.export SPEC"""

import sys

from fimsmith.export import stage
from fimsmith.jobspec import JobSpec

if __name__ == "__main__":
    sys.exit(JobSpec.read(sys.argv[1]).carry_out(stage.build))
