"""Typed errors: each message says what, where and the offending value, then how to fix it."""


class FimsmithError(Exception):
    """Anything fimsmith refuses to do, worded for the person who has to mend it."""


class ConfigError(FimsmithError):
    """The configuration is wrong: unknown field, bad value, fields that contradict each other."""


class DataError(FimsmithError):
    """The input data cannot be used as configured."""


class ModelError(FimsmithError):
    """The base model or its tokenizer cannot be used."""


class StorageError(FimsmithError):
    """A file or folder cannot be read or written: missing, no permission, disk full."""


class JobError(FimsmithError):
    """A launched job failed."""


class StoppedError(JobError):
    """A job saved its work and ended, because it was asked to."""


class DeployError(FimsmithError):
    """A model could not be served, or what served it could not be removed."""
