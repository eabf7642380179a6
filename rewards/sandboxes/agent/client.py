"""Take one request to the agent in the working directory and print what it answers, until it hangs up.

One of these is started for every trip, so it costs as little as Python can: two C modules, no parsing, no tidying up.
"""

import sys
from _socket import AF_UNIX, SOCK_STREAM, socket
from posix import _exit, write

NOBODY = b"bm8gYWdlbnQgYW5zd2VycyBoZXJl"  # "no agent answers here", as `lines.failed` tells it


def relay(request: list[str]) -> int:
    """Return the exit status, after everything that the agent had to say to *request*."""
    agent = socket(AF_UNIX, SOCK_STREAM)
    try:
        agent.connect("s")
        agent.sendall(" ".join(request).encode() + b"\n")
    except OSError:
        print_all(request[1].encode() + b" f - gone " + NOBODY + b"\n")
        return 0
    try:
        while answer := agent.recv(1 << 18):
            print_all(answer)
    except OSError:
        return 1
    return 0


def print_all(data: bytes) -> None:
    """Write to stdout, however little it takes at a time."""
    while data:
        data = data[write(1, data) :]


if __name__ == "__main__":
    _exit(relay(sys.argv[1:]))
