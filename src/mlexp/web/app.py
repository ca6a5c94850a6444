"""Which address shows what. Each answer is made from the outputs folder when it is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from mlexp import report, store
from mlexp.config.untrusted import opened, reading
from mlexp.errors import DataError, MlexpError
from mlexp.page import render
from mlexp.store import PAGE
from mlexp.web import builder, compared, live, pages
from mlexp.web.asked import Asked
from mlexp.web.listing import CHOSEN_BY, COLUMNS, HEADS, Listing
from mlexp.web.places import NoSuchPlace, address_of, inside

LOOK = 0.5  # seconds between two looks at a folder that somebody watches
IDLE = 10  # times what a look takes until the next one
SIGN_OF_LIFE = 15.0  # seconds; a browser that says nothing is noticed when it is written to
MOST_BYTES = 1 << 28  # of a file that is handed on
TEXT = {".csv", ".json", ".jsonl", ".yaml", ".log", ".md", ".txt"}
IMAGES = {".png": "image/png"}
# What a page of a run adds to its own policy, which stands in it and allows the script of that page alone.
BESIDE = "connect-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
Shown = Callable[[Request], Response]


def application(outputs: Path) -> Starlette:
    """Return the application of an outputs folder; `guard.Guard` stands before it."""
    views = Views(outputs)
    app = Starlette(
        routes=[
            Route("/", views.answered(views.runs)),
            Route("/f/{place:path}", views.answered(views.folder)),
            Route("/report/{place:path}", views.answered(views.report)),
            Route("/compare", views.answered(views.compare)),
            Route("/new", views.answered(views.new)),
            Route("/events", views.events),
        ]
    )
    app.state.listing = views.listing
    return app


class Views:
    """The pages of an outputs folder."""

    def __init__(self, outputs: Path) -> None:
        self.outputs = outputs
        self.listing = Listing(outputs)

    def answered(self, show: Shown) -> Shown:
        """Return a view that answers with a page also where a folder is damaged or gone."""

        def view(request: Request) -> Response:
            try:
                return show(request)
            except NoSuchPlace as error:
                return self._page(request, "problem", 404, problem=str(error))
            except MlexpError as error:
                return self._page(request, "problem", 422, problem=str(error))

        return view

    def runs(self, request: Request) -> Response:
        """Show what there is, what consists of several runs first."""
        seen, rows = self.listing.seen(), self.listing.rows()
        asked = Asked.of(request.query_params.multi_items())
        found = asked.chosen(rows, COLUMNS, lambda row: row.text)
        single = asked.ordered([row for row in found if row.listed.kind == "run"], COLUMNS)
        return self._page(
            request,
            "runs",
            seen=seen,
            name=self.outputs.name,
            asked=asked,
            words=request.query_params.get("q", ""),
            several=[row for row in found if row.listed.kind != "run"],
            single=single,
            of=len(rows),
            heads=HEADS,
            choices={name: sorted({COLUMNS[name](row) for row in rows}) for name in CHOSEN_BY},
        )

    def folder(self, request: Request) -> Response:
        """Show a run, a sweep, a search or a comparison as it stands."""
        place = request.path_params["place"].rstrip("/")
        folder = self._recorded(place)
        seen = live.seen(folder)
        asked = Asked.of(request.query_params.multi_items())
        return self._page(
            request,
            "folder",
            seen=seen,
            watched=place,
            place=place,
            state=live.state(self.outputs, folder, asked),
            asked=asked,
            up=self._above(folder),
        )

    def compare(self, request: Request) -> Response:
        """Show runs side by side."""
        query = request.query_params
        found = compared.compared(self.outputs, query.getlist("run"), query.get("curve", ""))
        return self._page(request, "compare", found=found, places=query.getlist("run"))

    def new(self, request: Request) -> Response:
        """Show the command that a form makes."""
        form = request.query_params.multi_items()
        return self._page(
            request,
            "new",
            given=dict(form),
            keys=builder.keys(),
            choices=builder.choices(),
            built=builder.built(form),
            several=builder.MULTIRUN in request.query_params,
        )

    def report(self, request: Request) -> Response:
        """Show the page of a folder, made anew, or hand on a file of it: text, a picture, or bytes."""
        place = request.path_params["place"]
        name = place.rstrip("/").rpartition("/")[2]
        if name == PAGE[0]:
            folder = self._recorded(place.removesuffix(f"/{PAGE[0]}"))
            with reading(folder):
                page = render.html(report.page(folder))
            return HTMLResponse(page, headers={"content-security-policy": BESIDE})
        return self._file(inside(self.outputs, place.rstrip("/")))

    def _file(self, path: Path) -> Response:
        if not path.is_file():
            raise NoSuchPlace("That is a folder. Its page is the file report.html in it.")
        with opened(path) as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise DataError(f"{path.name} is too large to be shown here.")
        kind = path.suffix.lower()
        if kind in TEXT:
            return Response(content, media_type="text/plain")
        if kind in IMAGES:
            return Response(content, media_type=IMAGES[kind])
        headers = {"content-disposition": "attachment"}
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def events(self, request: Request) -> Response:
        """Tell a page that what it shows has changed, as server-sent events."""
        place = request.query_params.get("place", "")
        look: Callable[[], str] = self.listing.seen
        if place:
            try:
                folder = await run_in_threadpool(self._recorded, place)
            except MlexpError:
                return Response(status_code=404)

            def look() -> str:
                return live.seen(folder)

        return StreamingResponse(
            changes(look, request.query_params.get("seen", "")), media_type="text/event-stream"
        )

    def _recorded(self, place: str) -> Path:
        folder = inside(self.outputs, place)
        if not store.is_recorded(folder):
            raise NoSuchPlace(f"'{folder.name}' is no run, sweep or comparison.")
        return folder

    def _above(self, folder: Path) -> str:
        """Return the address of the sweep or search that a folder belongs to; empty if it stands alone."""
        for above in folder.parents:
            if above == self.outputs or not above.is_relative_to(self.outputs):
                return ""
            if store.is_recorded(above):
                return address_of(self.outputs, above)
        return ""

    def _page(self, request: Request, template: str, status: int = 200, **content: Any) -> Response:
        base = request.scope.get("mlexp_base", "")
        text = pages.html(template, base, page=template, **({"seen": "", "watched": ""} | content))
        return HTMLResponse(text, status, headers={"content-security-policy": pages.policy()})


async def changes(look: Callable[[], str], seen: str) -> AsyncIterator[str]:
    """Yield an event whenever what `look` returns is another than before, and signs of life in between."""
    spoken = time.monotonic()
    yield ": connected\n\n"
    while True:
        begun = time.monotonic()
        now = await run_in_threadpool(look)
        took = time.monotonic() - begun
        if now != seen:
            seen, spoken = now, time.monotonic()
            yield f"event: changed\ndata: {now}\n\n"
        elif time.monotonic() - spoken > SIGN_OF_LIFE:
            spoken = time.monotonic()
            yield ": here\n\n"
        await asyncio.sleep(max(LOOK, IDLE * took))
