"""Requests to the application without a network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from mlexp.web.app import application
from mlexp.web.guard import Guard

TOKEN, PORT = "a-secret", 8600
COOKIE = {"cookie": f"mlexp-{PORT}={TOKEN}"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


def guard(outputs: Path, *, host: str = "127.0.0.1", framed: bool = False) -> Guard:
    return Guard(application(outputs), TOKEN, host, PORT, framed)


def ask(
    app: Any, address: str, method: str = "GET", twice: tuple[tuple[str, str], ...] = (), **headers: str
) -> Answer:
    """Return the answer to a request; without other headers it has the right Host and the cookie.

    The headers `twice` stand before all others.
    """
    given = {"host": f"127.0.0.1:{PORT}"} | (headers or COOKIE)
    path, _, query = address.partition("?")
    scope = {
        "type": "http", "method": method, "path": unquote(path), "raw_path": path.encode(), "root_path": "",
        "query_string": query.encode(), "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", PORT),
        "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in (*twice, *given.items())
        ],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start = sent[0]
    found = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(start["status"], found, body.decode("utf-8", "replace"))
