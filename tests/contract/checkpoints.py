"""The two-way copy between a host's checkpoint folder and S3 that SageMaker keeps while a job runs."""

import os
import threading
from pathlib import Path

from tests.contract.store import Store

MARKS = (".sagemaker-uploading", ".sagemaker-uploaded")


class Mirror:
    """Bring a host's checkpoints from S3, then upload what changes and delete what goes, in the background.

    As the agent does, it leaves an empty NAME.sagemaker-uploading, then NAME.sagemaker-uploaded beside each file.
    """

    def __init__(self, store: Store, uri: str, folder: Path):
        self.store = store
        self.uri = uri.rstrip("/")
        self.folder = folder
        self.known: dict[str, tuple[int, int]] = {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Restore, then follow the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store.download(f"{self.uri}/", self.folder)
        self.known = self._scan()
        self.thread.start()

    def finish(self) -> None:
        """Upload what is left and stop."""
        self.ended.set()
        self.thread.join()
        self._sync()

    def tear(self) -> None:
        """Leave half of the newest checkpoint's largest file in S3, as if it was read while it was written."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and not path.name.endswith(MARKS)]
        if files:
            newest = max(files, key=lambda path: path.stat().st_mtime_ns).parent
            largest = max((path for path in files if path.parent == newest), key=lambda path: path.stat().st_size)
            content = largest.read_bytes()
            self.store.put(f"{self.uri}/{largest.relative_to(self.folder).as_posix()}", content[: len(content) // 2])

    def _follow(self) -> None:
        while not self.ended.wait(0.05):
            self._sync()

    def _sync(self) -> None:
        found = self._scan()
        for name, stamp in found.items():
            if self.known.get(name) != stamp:
                try:
                    self._upload(name)
                except FileNotFoundError:  # renamed or removed since the scan: the next one sees it
                    continue
        for name in self.known.keys() - found.keys():
            self.store.delete(f"{self.uri}/{name}")
        self.known = found

    def _upload(self, name: str) -> None:
        path, under_way, done = (self.folder / f"{name}{end}" for end in ("", *MARKS))
        under_way.touch()
        self.store.put(f"{self.uri}/{name}", path.read_bytes())
        done.touch()
        under_way.unlink()

    def _scan(self) -> dict[str, tuple[int, int]]:
        found = {}
        # os.walk, unlike rglob, passes over a folder that is removed meanwhile
        for path in (Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names):
            if path.name.endswith(MARKS):
                continue
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            found[path.relative_to(self.folder).as_posix()] = (stat.st_size, stat.st_mtime_ns)
        return found
