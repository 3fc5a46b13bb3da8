"""A Kubeflow Pipelines back end that answers as a real one does and notes what it was asked."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlparse


@dataclass
class Backend:
    """What the back end is and what it was asked."""

    multi_user: bool = False
    pages: bool = False  # whether the user interface answers at the same address
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # id -> what each look shows; the last stays
    fault: int = 0  # status of every answer about a run, if not 0
    asked: list[tuple[str, str, Any]] = field(default_factory=list)  # method, path, body
    tokens: set[str | None] = field(default_factory=set)
    address: str = ""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and body; what is no JSON is a page."""
        name = path.removeprefix("/apis/v2beta1/")
        if name == "healthz":
            return 200, {"multi_user": self.multi_user, "tag_name": "2.17.0"}
        if name == "experiments":
            return 200, {**body, "experiment_id": "e1"} if method == "POST" else {}
        if (method, name) == ("POST", "runs"):
            return 200, {"run_id": "r1", "display_name": body["display_name"]}
        if name.startswith("runs/"):
            return self._run(name.removeprefix("runs/"))
        return (200, "<html>") if path == "/" and self.pages else (404, {"message": "Not Found"})

    def _run(self, name: str) -> tuple[int, Any]:
        run, _, verb = name.partition(":")
        if self.fault:
            return self.fault, {"message": "no"}
        if run not in self.runs:
            return 404, {"message": f"run {run} not found"}
        if verb == "terminate":
            self.runs[run] = [dict(TERMINATED)]
            return 200, {}
        looks = self.runs[run]
        return 200, {"run_id": run, **(looks.pop(0) if len(looks) > 1 else looks[0])}


HISTORY = [{"state": state} for state in ("PENDING", "RUNNING", "CANCELING", "FAILED")]
TERMINATED = {"state": "FAILED", "state_history": HISTORY}  # never CANCELED, as seen on a 2.17 back end


@contextlib.contextmanager
def serving(backend: Backend) -> Iterator[Backend]:
    """Serve a back end on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"] or 0))
            path, body = urlparse(self.path).path, json.loads(data) if data else None
            backend.asked.append((self.command, path, body))
            backend.tokens.add(self.headers["Authorization"])
            status, answer = backend.answer(self.command, path, body)
            page = isinstance(answer, str)
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if page else "application/json")
            self.end_headers()
            self.wfile.write(answer.encode() if page else json.dumps(answer).encode())

        do_GET = do_POST = _answer  # noqa: N815  the names that http.server calls

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        backend.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield backend
        finally:
            server.shutdown()
            thread.join()
