"""Serves a peer's app with waitress, the same for all of them, in the peer's own environment.

    .bench/by-hand/bin/python benchmarks/serving.py FOLDER FACTORY PROVIDER [--threads 8] [--core 1]

Prints one line of JSON, the port and the path that starts a login, and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import socket
import sys
import threading
from typing import Any

from provider import CLIENT_ID, CLIENT_SECRET, SITE


def serve_wsgi(app: Any, listener: socket.socket, threads: int) -> None:
    """Serve a WSGI app."""
    import waitress

    waitress.serve(app, sockets=[listener], threads=threads, connection_limit=1000, url_scheme="https", _quiet=True)


def serve_asgi(app: Any, listener: socket.socket) -> None:
    """Serve an ASGI app."""
    import uvicorn

    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listener])


def end_with_input() -> None:
    """End the process when standard input does: it cannot outlive whoever started it."""
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="the folder with app.py")
    parser.add_argument("factory", help="the function in it that makes the app")
    parser.add_argument("provider", help="the provider's origin")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--core", type=int, help="the core to stay on")
    given = parser.parse_args()
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    sys.path[0] = given.folder  # instead of this one, whose modules have names that libraries have as well
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    port = listener.getsockname()[1]
    module = importlib.import_module("app")
    app = getattr(module, given.factory)(SITE, given.provider, CLIENT_ID, CLIENT_SECRET)
    print(json.dumps({"port": port, "start": module.START, "method": getattr(module, "METHOD", "GET")}), flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    if getattr(module, "IS_ASGI", False):
        serve_asgi(app, listener)
    else:
        serve_wsgi(app, listener, given.threads)


if __name__ == "__main__":
    main()
