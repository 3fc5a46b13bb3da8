"""The only place that names images, Secrets and the pods' share of a node: images by immutable references, because KFP's cache key holds the name, not the content."""

import os

from kfp import dsl

from fimsmith import __version__

# what a user sets on a KFP task that launches a job belongs to the job's pods, not to the launching task's
TO_JOB = [
    dsl.TaskConfigField.RESOURCES,
    dsl.TaskConfigField.KUBERNETES_TOLERATIONS,
    dsl.TaskConfigField.KUBERNETES_NODE_SELECTOR,
    dsl.TaskConfigField.KUBERNETES_AFFINITY,
    dsl.TaskConfigPassthrough(field=dsl.TaskConfigField.ENV, apply_to_task=True),
    dsl.TaskConfigPassthrough(field=dsl.TaskConfigField.KUBERNETES_VOLUMES, apply_to_task=True),
]
# Secret whose keys are the S3 settings of every task, where the pods have no cloud identity
SECRET = os.environ.get("FIMSMITH_SECRET", "fimsmith-s3")
# Secret whose keys GIT_HOST, GIT_USERNAME and GIT_PASSWORD let the task ingest read private repositories
GIT_SECRET = "fimsmith-git"
# what the pod of a task that works itself is sure to get; it may use more
CPU = os.environ.get("FIMSMITH_TASK_CPU", "100m")
MEMORY = os.environ.get("FIMSMITH_TASK_MEMORY", "256Mi")
DEADLINE = 86_400  # seconds after which such a pod is ended
PIPELINE = os.environ.get("FIMSMITH_IMAGE_PIPELINE", f"fimsmith/pipeline:{__version__}")
