"""Ask a fork server for a kernel, and live as long as the kernel does: a specification starts this.

It is started by its path, once per kernel, and so imports only the standard library. Its arguments
are the server's socket, a file with the order, and a file for how the kernel ended.
"""

import os
import socket
import sys


def main(address: str, order: str, ended: str) -> int:
    """Ask, wait, and write down how the kernel ended, in words."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(address)
    with open(order, "rb") as file:
        connection.sendall(file.read() + b"\n")
    text = b""
    while part := connection.recv(4096):
        text += part
    with open(ended + ".part", "wb") as file:
        file.write(text)
    os.replace(ended + ".part", ended)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
