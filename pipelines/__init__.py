"""The stages wired into Kubeflow pipelines, and the ways to run them."""
