"""Read the tables of a data set on the Hugging Face Hub, one file after the other.

HF_TOKEN is the login, HF_ENDPOINT another hub than huggingface.co; both are the hub library's own variables.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fimsmith.errors import DataError

_LOCATION = re.compile(r"hf:(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?(?:#(?P<folder>[^#]+))?")


@dataclass(frozen=True, slots=True)
class DataSet:
    """One commit of a data set and the files of it that are wanted."""

    name: str
    commit: str
    files: list[str]

    def fetch(self) -> Iterator[Path]:
        """Bring one file after the other to this machine's disk; each goes when the next is asked for."""
        from huggingface_hub import hf_hub_download

        for file in self.files:
            with tempfile.TemporaryDirectory(prefix="fimsmith-hub-") as folder, _explained(self.name):
                yield Path(
                    hf_hub_download(
                        self.name,
                        file,
                        repo_type="dataset",
                        revision=self.commit,
                        local_dir=folder,
                        endpoint=_endpoint(),
                    )
                )


def find(location: str, suffixes: tuple[str, ...]) -> DataSet:
    """Look up `hf:owner/name[@revision][#folder]`; raises DataError when it is not there or holds no table."""
    match = _LOCATION.fullmatch(location)
    if match is None:
        raise DataError(
            f"{location!r} is no data set of the Hugging Face Hub; write hf:owner/name, hf:owner/name@revision or "
            "hf:owner/name@revision#folder"
        )
    from huggingface_hub import HfApi

    with _explained(match["name"]):
        told = HfApi(endpoint=_endpoint()).dataset_info(match["name"], revision=match["revision"])
    folder = f"{match['folder'].strip('/')}/" if match["folder"] else ""
    names = [each.rfilename for each in told.siblings or []]
    files = sorted(name for name in names if name.startswith(folder) and name.lower().endswith(suffixes))
    if not files or told.sha is None:
        there = ", ".join(sorted({name.rpartition("/")[0] or "." for name in names})[:10])
        raise DataError(f"{location} holds no {' or '.join(suffixes)} file; its folders: {there or 'none'}")
    return DataSet(match["name"], told.sha, files)


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT")


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what the hub's library raises into a DataError."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise DataError(
            f"data set {name} wants its terms accepted: do that on its page, then set HF_TOKEN to a token that may read it"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise DataError(f"there is no data set {name}, or it is private: check the name, or set HF_TOKEN") from error
    except errors.RevisionNotFoundError as error:
        raise DataError(f"data set {name} has no such revision; take one of its branches, tags or commits") from error
    except Exception as error:  # of whichever HTTP library the hub's own uses
        cause = " ".join(str(error).split())[:300]
        raise DataError(
            f"data set {name} cannot be read: {cause}; check the network, HF_ENDPOINT and HF_TOKEN"
        ) from error
