"""Fine-tune a code model on a company's own Java, as a pipeline of small stages.

Every stage is a function `stage(section, *inputs: Manifest, root: str) -> Manifest`;
`fimsmith --help` lists them and docs/configuration.md describes every field.
"""

__version__ = "0.1.0"
