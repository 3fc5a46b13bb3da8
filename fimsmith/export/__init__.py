"""export: write the tuned model as servers and IDEs take it, and check what was written."""
