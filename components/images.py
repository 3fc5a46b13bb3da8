"""The only place that names images: immutable references, because KFP's cache key holds the name, not the content."""

import os

from fimsmith import __version__

PIPELINE = os.environ.get("FIMSMITH_IMAGE_PIPELINE", f"fimsmith/pipeline:{__version__}")
