"""evaluate: complete the held-out test set with one model and score what it wrote."""
