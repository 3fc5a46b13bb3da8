"""Become a command that gets SIGTERM when its parent dies: python tether.py PARENT COMMAND...

A program of its own, because code between fork and exec is not safe in a process with threads.
"""

import ctypes
import os
import signal
import sys


def main() -> None:
    """Ask the kernel for the signal (Linux only), then replace this process by the command."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != int(parent):
        sys.exit("the parent died before its job began")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
