"""Who may ask the server, and what a browser may do with an answer.

Other pages that are open in the same browser can send requests to this server, by its address or by a name of their
own that leads here (DNS rebinding); other users of the machine can reach its port. Each request therefore needs the
token that only the person who started the server was shown, the right Host, and no foreign Origin. Only GET and HEAD
are served.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

TOKEN = "token"
OF_PATH = "/t/"  # in front of the token where it stands in the path
NOTEBOOKS = "http://localhost:* http://127.0.0.1:* https://localhost:* https://127.0.0.1:* vscode-webview:"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
NOTHING = (
    "default-src 'none'; base-uri 'none'; form-action 'none'"  # the policy of what brings none of its own
)
ENTER = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>mlexp</title>'
    '<meta http-equiv="refresh" content="0; url={url}"><p><a href="{url}">Continue</a></p></html>'
)


@dataclass(frozen=True)
class Guard:
    """The application behind checks of each request.

    Attributes
    ----------
    app : the application; it sees only what passed
    token : the secret of this server
    host, port : where the server listens
    framed : whether pages may stand in a notebook. A cookie does not reach a frame there, so that the token may be the
        beginning of the path: ``/t/TOKEN/...``
    """

    app: App
    token: str
    host: str
    port: int
    framed: bool = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":  # no WebSocket, nothing to do at the start and the end
            return None
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        sending = self._with_headers(send)
        if wrong := self._refusal(scope["method"], headers):
            return await _text(sending, *wrong)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(name == TOKEN and self._is_token(value) for name, value in query):
            return await self._enter(sending, scope["path"], [pair for pair in query if pair[0] != TOKEN])
        inner = self._by_path(scope) if self.framed else None
        if inner is None and self._is_token(_cookies(headers).get(self.cookie, "")):
            inner = scope
        if inner is None:
            words = "This page needs the address that mlexp ui printed, with its token.\n"
            return await _text(sending, 403, words)
        return await self.app(inner, receive, sending)

    @property
    def cookie(self) -> str:
        """Name of the cookie: cookies of one host are shared by its ports."""
        return f"mlexp-{self.port}"

    def _refusal(self, method: str, headers: Sequence[tuple[str, str]]) -> tuple[int, str] | None:
        """Return status and words if a request is refused whatever its token."""
        hosts = [value for name, value in headers if name == "host"]
        if len(hosts) != 1 or not is_host(hosts[0], self.host, self.port):
            return 421, "This server answers to its own address alone.\n"
        if any(name == "origin" and value != f"http://{hosts[0]}" for name, value in headers):
            return 403, "Requests of other pages are refused.\n"
        if method not in ("GET", "HEAD"):
            return 405, "This server only reads.\n"
        return None

    def _is_token(self, word: str) -> bool:
        return hmac.compare_digest(word.encode(), self.token.encode())

    def _by_path(self, scope: Message) -> Message | None:
        """Return the request without the token in front of its path; None if there is none."""
        path = str(scope["path"])
        word, slash, rest = path.removeprefix(OF_PATH).partition("/")
        if not (path.startswith(OF_PATH) and slash and self._is_token(word)):
            return None
        return {**scope, "path": f"/{rest}", "raw_path": None, "mlexp_base": f"{OF_PATH}{word}"}

    async def _enter(self, send: Send, path: str, query: Sequence[tuple[str, str]]) -> None:
        """Give the cookie, and lead on to the address without the token.

        A page that leads on, rather than a redirection: to a browser the request that follows is then this server's
        own, and a cookie that is `SameSite=Strict` goes with it wherever the first link was.
        """
        url = f"/{path.lstrip('/')}" + (f"?{urlencode(query)}" if query else "")
        cookie = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
        more = {"set-cookie": cookie, "content-type": "text/html; charset=utf-8"}
        await _answer(send, 200, ENTER.format(url=escape(url)).encode(), more)

    def _with_headers(self, send: Send) -> Send:
        """Return a `send` that adds what every answer says."""
        ancestors = NOTEBOOKS if self.framed else "'none'"

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
                policy = given.get("content-security-policy", NOTHING)
                more = ALWAYS | {"content-security-policy": f"{policy}; frame-ancestors {ancestors}"}
                kept = [pair for pair in message["headers"] if pair[0].decode() not in more]
                message["headers"] = [*kept, *((k.encode(), v.encode("latin-1")) for k, v in more.items())]
            await send(message)

        return sending


def is_host(header: str, host: str, port: int) -> bool:
    """Return whether a Host header names a server that listens at `host`.

    Where it listens to all addresses, each address written in numbers is its own; a name could be anybody's.

    Examples
    --------
    >>> [is_host(word, "127.0.0.1", 80) for word in ("localhost:80", "[::1]:80", "localhost", "evil.example:80")]
    [True, True, False, False]
    >>> [is_host(word, "0.0.0.0", 80) for word in ("192.0.2.1:80", "evil.example:80")]
    [True, False]
    """
    name, colon, number = header.rpartition(":")
    if not colon or number != str(port):
        return False
    if name == (f"[{host}]" if ":" in host else host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if address.is_loopback and name in ("127.0.0.1", "localhost", "[::1]"):
        return True
    if not address.is_unspecified:
        return False
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name == "localhost"
    return True


def _cookies(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    listed = [pair for name, value in headers if name == "cookie" for pair in value.split(";")]
    pairs = (pair.strip().partition("=") for pair in listed)
    return {name: value for name, _, value in pairs}


async def _text(send: Send, status: int, words: str) -> None:
    await _answer(send, status, words.encode(), {"content-type": "text/plain; charset=utf-8"})


async def _answer(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    listed = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})
