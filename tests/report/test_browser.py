"""The pages in a real browser: nothing missing, nothing that should not run, usable by everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.chromium import MISSING

from mlexp import report
from mlexp.report.index import write_index
from mlexp.store import Run

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
KINDS = ("digits", "clustering", "embedding", "sweep", "comparison")
Open = Callable[..., Any]


@pytest.fixture
def opened(browser: Any) -> Iterator[Open]:
    """Return a function that opens a file; whatever the browser complains of fails the test."""
    said: list[str] = []
    contexts = []

    def open_page(file: Path, width: int = 1280, scheme: str = "light") -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=False
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request", lambda request: request.url.startswith(("file:", "data:")) or said.append(request.url)
        )
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not said


def not_shown(page: Any) -> list[str]:
    """Return the pictures that the browser could not show."""
    return list(
        page.evaluate(
            "[...document.images].filter(i => !i.complete || !i.naturalWidth || !i.alt).map(i => i.alt)"
        )
    )


def serious(page: Any) -> list[str]:
    """Return the serious and critical violations that axe-core finds."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_page_is_whole_and_accessible(kind: str, studies: dict[str, Path], opened: Open) -> None:
    for width, scheme in ((1280, "light"), (390, "dark")):
        page = opened(studies[kind] / "report.html", width, scheme)
        assert page.locator("figure img").count() >= 1
        assert not not_shown(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("h1").count() == 1
        assert not serious(page)


def test_links_lead_somewhere(studies: dict[str, Path], opened: Open) -> None:
    for kind in KINDS:
        page = opened(studies[kind] / "report.html")
        addresses = page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href)")
        for address in addresses:
            target = address.removeprefix("file://")
            if "#" in target:
                assert page.locator(f"#{target.partition('#')[2]}").count() == 1, address
            else:
                assert Path(target).exists(), address


def test_tables_sort_when_clicked(studies: dict[str, Path], opened: Open) -> None:
    page = opened(studies["digits"] / "report.html")
    table = page.locator("table", has=page.locator("th", has_text="recall")).first

    def recalls() -> list[float]:
        return [float(cell) for cell in table.locator("tbody td:nth-child(3)").all_inner_texts()]

    before = recalls()
    totals = table.locator("tfoot").inner_text()
    heading = table.locator("th", has_text="test recall")
    heading.locator("button").click()
    assert recalls() == sorted(before)
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.locator("button").press("Enter")
    assert recalls() == sorted(before, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    assert table.locator("tfoot").inner_text() == totals


def test_jobs_are_filtered_by_key(studies: dict[str, Path], opened: Open) -> None:
    page = opened(studies["sweep"] / "report.html")
    rows = page.locator("#jobs tbody tr:visible")
    assert rows.count() == 4
    assert page.locator("#jobs svg.curve").count() == 4
    page.get_by_label("activation").select_option("sigmoid")
    assert rows.count() == 2
    assert page.locator("#jobs output").inner_text() == "2 of 4 rows"
    page.get_by_label("seed").select_option("1")
    assert rows.count() == 1
    page.get_by_label("activation").select_option("")
    page.get_by_label("seed").select_option("")
    page.get_by_label("search").fill("relu")
    assert rows.count() == 2


def test_index_sorts_filters_and_unfolds(studies: dict[str, Path], opened: Open) -> None:
    outputs = studies["digits"].parents[2]
    page = opened(write_index(outputs))
    rows = page.locator("#runs tbody tr:visible")
    assert rows.count() == 3
    page.get_by_label("task").select_option("digits_mlp")
    assert rows.count() == 1
    page.get_by_label("task").select_option("")
    page.locator("#runs th", has_text="time").locator("button").click()
    seconds = page.evaluate(
        "[...document.querySelectorAll('#runs td[data-value]:nth-child(7)')].map(c => +c.dataset.value)"
    )
    assert len(seconds) == 3
    assert seconds == sorted(seconds)
    listed = page.locator("#studies .listed")
    assert listed.count() == 3  # a sweep, a search and a comparison
    for place in range(3):
        assert listed.nth(place).locator(".lead").inner_text()
        assert not listed.nth(place).locator("tbody tr").first.is_visible()
        listed.nth(place).locator("summary").click()
        assert listed.nth(place).locator("tbody tr").first.is_visible()
    assert not serious(page)


def test_1000_runs_open_within_a_second(make_whole: Callable[..., Run], tmp_path: Path, opened: Open) -> None:
    run = make_whole(n=40, n_epochs=2)
    for number in range(999):
        copy = run.path.with_name(f"{run.path.name}-{number}")
        copy.mkdir()
        for name in ("run.json", "metrics.json"):
            (copy / name).write_bytes((run.path / name).read_bytes())
    index = write_index(tmp_path)
    taken = "performance.timing.loadEventEnd - performance.timing.navigationStart"
    pages = [opened(index) for _ in range(3)]  # the quickest, for others may be busy on this machine
    assert pages[0].locator("tbody tr").count() == 1000
    assert min(page.evaluate(taken) for page in pages) < 1000


NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "W" * 60,
    "{{ 7 * 7 }}",
    "a|b`c",
    "日本語",
]


@pytest.mark.parametrize(
    "classes",
    [NASTY, [f"class number {k}" for k in range(100)], ["only one"]],
    ids=["nasty", "hundred", "one"],
)
def test_names_are_only_names(classes: list[str], make_whole: Callable[..., Run], opened: Open) -> None:
    run = make_whole(
        {"warnings": ["<script>alert(3)</script>"], "error": "<svg onload=alert(4)>"},
        classes=classes, n=300, task="nasty", dataset="<b>data</b>", wrong=0.0 if len(classes) == 1 else 0.2,
    )  # fmt: skip
    make = report.redraw if classes is NASTY else report.write  # the others: a page without pictures
    make(run.path)
    for width in (1280, 390):
        page = opened(run.path / "report.html", width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not not_shown(page)
        assert page.locator("script").count() == 1
        assert page.locator("h1 b, figcaption script, td script").count() == 0
        shown = page.locator("table", has=page.locator("th", has_text="recall")).locator(
            "tbody td:first-child"
        )
        assert [cell.strip() for cell in shown.all_text_contents()] == classes
    assert not serious(page)


def test_script_of_others_does_not_run(studies: dict[str, Path], browser: Any, tmp_path: Path) -> None:
    """Even if a name got past the escaping, the page allows no script but its own."""
    file = tmp_path / "report.html"
    text = (studies["digits"] / "report.html").read_text()
    file.write_text(text.replace("</h1>", "</h1><script>document.title = 'caught'</script>"))
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.title() != "caught"
    page.close()


def test_page_is_read_without_script(studies: dict[str, Path], browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((studies["sweep"] / "report.html").as_uri())
    assert page.locator("#jobs tbody tr").count() == 4
    context.close()


def test_pages_of_a_sweep_and_its_jobs_point_to_each_other(studies: dict[str, Path], opened: Open) -> None:
    sweep = studies["sweep"]
    report.write(sorted((sweep / "runs").iterdir())[0])
    report.write(sweep)
    page = opened(sweep / "report.html")
    page.locator("#jobs tbody a").first.click()
    page.get_by_role("link", name="one run of the sweep").click()
    page.wait_for_selector("#jobs")


def test_pictures_can_be_enlarged_on_a_telephone(studies: dict[str, Path], opened: Open) -> None:
    page = opened(studies["digits"] / "report.html", 390)
    picture = page.locator("figure img").first
    assert picture.bounding_box()["width"] < 390
    button = page.get_by_role("button", name="Enlarge").first
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert picture.bounding_box()["width"] > 900
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not serious(page)
