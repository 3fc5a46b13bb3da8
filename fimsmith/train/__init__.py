"""Fine-tune the base model on packed sequences with DeepSpeed."""
