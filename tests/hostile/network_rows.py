"""Rows that try to reach a network, or any socket of the host."""

from __future__ import annotations

from .row import ERROR, HostileRow

REFUSED = frozenset({ERROR})

NETWORK_ROWS = (
    HostileRow(
        "tcp-to-the-host",
        "connect to a TCP port that the host listens on",
        """
import socket
with socket.create_connection(('127.0.0.1', TCP_PORT), 2) as wire:
    wire.sendall(b'hello')
    print(ALARM)
""",
        REFUSED,
        ("no_contact",),
        in_a_call=True,
    ),
    HostileRow(
        "udp-to-the-host",
        "send a datagram, which needs no connection",
        """
import socket
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.sendto(b'hello', ('127.0.0.1', UDP_PORT))
print(ALARM)
""",
        REFUSED,
        ("no_contact",),
    ),
    HostileRow(
        "the-outside-world",
        "resolve a name, connect to a public address",
        """
import socket
print(socket.getaddrinfo('example.org', 443), ALARM)
socket.create_connection(('9.9.9.9', 53), 2)
print(ALARM)
""",
        REFUSED,
    ),
    HostileRow(
        "unix-socket-by-path",
        "talk to a daemon of the host through its socket file",
        """
import socket
wire = socket.socket(socket.AF_UNIX)
wire.connect(SOCKET_PATH)
wire.sendall(b'hello')
print(ALARM)
""",
        REFUSED,
        ("no_contact",),
    ),
    HostileRow(
        "abstract-unix-socket",
        "talk to a daemon of the host through a socket that is in no file system",
        """
import socket
wire = socket.socket(socket.AF_UNIX)
wire.connect(chr(0) + ABSTRACT_NAME)
wire.sendall(b'hello')
print(ALARM)
""",
        REFUSED,
        ("no_contact",),
    ),
    HostileRow(
        "socketpair-as-sender",
        "misuse a socket pair, which programs may have, to send to a named socket",
        """
import socket
left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
left.sendto(b'hello', chr(0) + ABSTRACT_NAME + 'd')
print(ALARM)
""",
        REFUSED,
        ("no_contact",),
    ),
    HostileRow(
        "odd-socket-families",
        "packet, netlink, raw, vsock, crypto and bluetooth sockets",
        """
import socket
for family, kind, protocol in [(17, 3, 768), (16, 3, 0), (2, 3, 1), (10, 3, 58), (40, 1, 0), (38, 5, 0), (31, 3, 1)]:
    try:
        socket.socket(family, kind, protocol)
        print(ALARM, family)
    except OSError:
        print('refused', family)
""",
        in_a_call=True,
    ),
    HostileRow(
        "listening-port",
        "open a port that processes of the host could connect to",
        """
import socket
server = socket.socket()
server.bind(('0.0.0.0', 0))
server.listen()
print(ALARM, server.getsockname())
""",
        REFUSED,
    ),
    HostileRow(
        "io-uring",
        "io_uring opens, connects and sends without making those system calls",
        """
room = ctypes.create_string_buffer(120)
print(ALARM if libc.syscall(NR['io_uring_setup'], 4, room) >= 0 else 'refused')
""",
    ),
)
