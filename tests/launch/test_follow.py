"""fimsmith.launch.follow: a log over connections that break."""

import io
from collections.abc import Iterator
from typing import Any

from fimsmith.launch.follow import Container, Follower

DAY = "2026-01-31T12:00"
LINES = [
    f"{DAY}:00.100000001Z one\n",
    f"{DAY}:00.900000000Z two\n",
    f"{DAY}:00.900000000Z two\n",  # the same line twice in the same moment
    f"{DAY}:01.500000000Z \n",
    f"{DAY}:03.000000000Z three\n",
    f"{DAY}:03.000000000Z four: 你好\n",
    f"{DAY}:03.200000000Z five",
]
WANTED = [b"one\n", b"two\n", b"two\n", b"\n", b"three\n", "four: 你好\n".encode(), b"five\n"]


class Server:
    """A log that is given from `sinceTime` on, each time cut after so many bytes."""

    def __init__(self, cuts: list[int | None], state: dict[str, Any] | None = None):
        self.cuts, self.asked = cuts, []
        self.state = state or {"terminated": {"exitCode": 0}}

    def follow(self, pod: str, container: str, since: str | None, *, wait: bool) -> Iterator[bytes]:
        self.asked.append(since)
        lines = [line for line in LINES if since is None or line[:19] >= since[:19]]
        cut = self.cuts.pop(0) if self.cuts else None
        body = io.BytesIO("".join(lines).encode()[:cut])
        return iter(lambda: body.read(50), b"")

    def pod(self, name: str) -> dict[str, Any]:
        running = len(self.cuts) > 0
        state = {"running": {}} if running else self.state
        statuses = [{"name": name, "state": state} for name in ("fetch", "pytorch")]
        return {"status": {"phase": "Running", "containerStatuses": statuses}}


def test_a_node_that_writes_its_own_time_zone_is_asked_in_universal_time():
    container = Container(Server([]), "p", "pytorch")  # type: ignore[arg-type]
    container._remember(b"2026-01-31T20:00:05.123456789+08:00 text")
    assert container.since == f"{DAY}:04Z"


def read(cuts: list[int | None]) -> Iterator[bytes]:
    container = Container(Server(cuts), "p", "pytorch")  # type: ignore[arg-type]
    for left in range(len(cuts), -1, -1):
        yield from container.lines(wait=left > 0)


def test_wherever_the_connection_breaks_each_line_comes_once():
    length = len("".join(LINES).encode())
    for cut in range(length):
        assert list(read([cut])) == WANTED, cut


def test_connections_that_break_again_and_again_lose_nothing():
    assert list(read([40, 0, 90, 41, 120, 3, 88])) == WANTED


def test_a_new_connection_asks_for_the_last_second_only():
    server = Server([200])
    container = Container(server, "p", "pytorch")  # type: ignore[arg-type]
    list(container.lines(wait=True))
    list(container.lines(wait=False))
    assert server.asked == [None, f"{DAY}:02Z"]


def test_the_follower_ends_with_the_containers_and_has_read_all(monkeypatch):
    monkeypatch.setattr("fimsmith.launch.follow._PAUSE", 0.0)
    taken: list[bytes] = []
    follower = Follower(Server([10, 50, None, 70]), "p", taken.append)  # type: ignore[arg-type]
    follower.start()
    follower.join(10)
    assert not follower.is_alive()
    assert taken == [*WANTED, *WANTED]  # of two containers
