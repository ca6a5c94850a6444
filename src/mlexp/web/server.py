"""The server: it listens on this machine, and ends without anybody's noticing."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from mlexp.errors import ConfigError, optional
from mlexp.web.guard import OF_PATH, TOKEN, Guard

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
PORT = 8600
TRIED = 20  # ports from `PORT` on, where none was asked for
SECONDS_TO_START = 20.0


@dataclass(frozen=True)
class Served:
    """A server that listens, or is about to.

    Attributes
    ----------
    address : with the token: whoever has it can read the outputs folder
    frame : the address for a frame in a notebook
    prepare : reads the outputs folder once, so that the first page does not wait for that
    """

    address: str
    frame: str
    server: uvicorn.Server
    socket: socket.socket
    prepare: Callable[[], object]
    height: int = 720

    def run(self) -> None:
        """Serve until the process is stopped."""
        threading.Thread(target=self.prepare, name="mlexp-ui-list", daemon=True).start()
        self.server.run(sockets=[self.socket])

    def start(self) -> Served:
        """Serve in a thread of this process, and return when it answers."""
        threading.Thread(target=self.run, name="mlexp-ui", daemon=True).start()
        until = time.monotonic() + SECONDS_TO_START
        while not self.server.started and time.monotonic() < until:
            time.sleep(0.01)
        return self

    def close(self) -> None:
        """Stop serving."""
        self.server.should_exit = True

    def _repr_html_(self) -> str:
        """Show the page below a cell of a notebook."""
        frame, address = escape(self.frame), escape(self.address)
        return (
            f'<iframe src="{frame}" title="mlexp: runs" width="100%" height="{self.height}" '
            f'style="border:1px solid #8888"></iframe>'
            f'<p><a href="{address}" target="_blank">In a page of its own</a></p>'
        )


def served(outputs: Path, host: str = HOST, port: int | None = None, *, framed: bool = False) -> Served:
    """Return a server of an outputs folder, its port taken.

    Parameters
    ----------
    outputs : folder of runs
    host : address to listen at
    port : default None: 8600, or the next one that is free; 0: any that is free
    framed : whether its pages may stand in a notebook

    Raises
    ------
    ConfigError
        If the folder is none, the port is taken, or the packages of the extra `ui` are missing.
    """
    uvicorn = optional("uvicorn", "mlexp ui", "ui")
    optional("starlette", "mlexp ui", "ui")
    from mlexp.web.app import application

    if not outputs.is_dir():
        raise ConfigError(
            f"There is no folder {outputs}. Name the folder that runs are written to with --outputs DIR."
        )
    listening = _listening(host, port)
    number = int(listening.getsockname()[1])
    token = secrets.token_urlsafe(32)
    app = application(outputs.resolve())
    guard = Guard(app, token, host, number, framed)
    config = uvicorn.Config(
        guard,
        log_level="warning",
        access_log=False,  # which would print the token
        server_header=False,
        ws="none",
        http="h11",
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    root = f"http://{shown}:{number}"
    address, frame = f"{root}/?{TOKEN}={token}", f"{root}{OF_PATH}{token}/"
    return Served(address, frame, uvicorn.Server(config), listening, app.state.listing.rows)


def _listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that has its port."""
    wanted = range(PORT, PORT + TRIED) if port is None else [port]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    error: OSError | None = None
    for number in wanted:
        try:
            return socket.create_server((host, number), family=family)
        except OSError as problem:
            error = problem
        except OverflowError as problem:
            raise ConfigError(f"--port must be a number from 0 to 65535. Got {number}.") from problem
    assert error is not None
    where = f"ports {PORT} to {PORT + TRIED - 1}" if port is None else f"port {port}"
    raise ConfigError(
        f"{host} cannot be listened at, {where}: {error.strerror}. Name another port with --port, 0 for any that is "
        "free."
    )
