"""The only place that names images and the Secret: images by immutable references, because KFP's cache key holds the name, not the content."""

import os

from fimsmith import __version__

# Secret whose keys are the S3 settings of every task, where the pods have no cloud identity
SECRET = os.environ.get("FIMSMITH_SECRET", "fimsmith-s3")
PIPELINE = os.environ.get("FIMSMITH_IMAGE_PIPELINE", f"fimsmith/pipeline:{__version__}")
