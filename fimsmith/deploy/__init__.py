"""deploy: serve the exported model where developers can reach it."""
