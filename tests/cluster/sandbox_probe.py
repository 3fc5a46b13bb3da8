"""Say what this pod reaches, as one line of JSON, and listen; the text runs inside a pod.

python sandbox_probe.py HOST:PORT ...
"""

import json
import os
import socket
import sys
import time

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def reach(target: str) -> bool:
    """Whether a connection comes about within a second."""
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    listener = socket.create_server(("", 8000))
    end = time.monotonic() + 15
    found = {target: reach(target) for target in sys.argv[1:]}
    # a new pod is guarded about a second after its start
    while any(found.values()) and time.monotonic() < end:
        time.sleep(0.5)
        found = {target: reach(target) for target in sys.argv[1:]}
    print(json.dumps({"reached": found, "token": os.path.exists(TOKEN)}), flush=True)
    time.sleep(600)
