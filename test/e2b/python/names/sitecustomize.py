"""Python imports this first: finds names below localhost, as libnss-myhostname does, which not every machine has."""

import socket

resolve = socket.getaddrinfo


def here(host, *rest, **more):
    name = host.decode() if isinstance(host, bytes) else host or ""
    return resolve("127.0.0.1" if name.endswith(".localhost") else host, *rest, **more)


socket.getaddrinfo = here
