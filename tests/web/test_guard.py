"""Who may ask, and what comes of addresses and names that somebody made up."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.web.asked import COOKIE, PORT, TOKEN, Answer, ask, guard

from mlexp.store import Run
from mlexp.web import pages
from mlexp.web.places import NoSuchPlace, inside

pytest.importorskip("starlette", reason="the extra ui is not installed")

NASTY = '<img src=x onerror="alert(1)">'


@pytest.fixture
def run(make_whole: Callable[..., Run]) -> Run:
    return make_whole(n=40, n_epochs=3)


def place(run: Run, outputs: Path) -> str:
    return run.path.relative_to(outputs).as_posix()


def harmless(answer: Answer) -> None:
    """Every answer, refusals too, says what a browser may do with it."""
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_the_token_opens_the_door_and_leaves_the_address(run: Run, tmp_path: Path) -> None:
    app = guard(tmp_path)
    entered = ask(app, f"/new?token={TOKEN}&task=digits_mlp", host=f"127.0.0.1:{PORT}")
    assert entered.status == 200
    cookie = entered.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {word.strip() for word in cookie.split(";")}
    assert TOKEN not in entered.text
    assert "/new?task=digits_mlp" in entered.text
    assert ask(app, "/", cookie=cookie.partition(";")[0]).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"accept": "*/*"}, 403),  # no token at all
        ({"cookie": f"mlexp-{PORT}=another"}, 403),
        ({"cookie": f"mlexp-{PORT + 1}={TOKEN}"}, 403),
        (COOKIE | {"host": f"evil.example:{PORT}"}, 421),
        (COOKIE | {"host": "127.0.0.1"}, 421),
        (COOKIE | {"host": f"127.0.0.1.evil.example:{PORT}"}, 421),
        (COOKIE | {"origin": "http://evil.example"}, 403),
        (COOKIE | {"origin": "null"}, 403),
        (COOKIE | {"origin": f"https://127.0.0.1:{PORT}"}, 403),
    ],
)
@pytest.mark.parametrize("address", ["/", "/events", "/report/x/run.json"])
def test_strangers_are_refused(
    headers: dict[str, str], status: int, address: str, run: Run, tmp_path: Path
) -> None:
    answer = ask(guard(tmp_path), address, **headers)
    assert answer.status == status
    assert run.info["task"]["name"] not in answer.text
    harmless(answer)


@pytest.mark.parametrize(
    ("first", "status"), [(("host", "evil.example:8600"), 421), (("origin", "http://evil.example"), 403)]
)
def test_a_header_that_comes_twice_is_refused_by_the_worse_one(
    first: tuple[str, str], status: int, tmp_path: Path
) -> None:
    right = COOKIE | {"origin": f"http://127.0.0.1:{PORT}"}
    assert ask(guard(tmp_path), "/", **right).status == 200
    assert ask(guard(tmp_path), "/", twice=(first,), **right).status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_but_reading_is_served(method: str, tmp_path: Path) -> None:
    answer = ask(guard(tmp_path), "/", method, **COOKIE)
    assert answer.status == 405
    harmless(answer)


def test_another_token_in_the_address_is_none(tmp_path: Path) -> None:
    assert ask(guard(tmp_path), f"/?token={TOKEN}x", host=f"127.0.0.1:{PORT}").status == 403
    assert ask(guard(tmp_path), "/?token=%ff%00", host=f"127.0.0.1:{PORT}").status == 403


def test_in_a_notebook_the_token_may_begin_the_path(run: Run, tmp_path: Path) -> None:
    app = guard(tmp_path, framed=True)
    answer = ask(app, f"/t/{TOKEN}/", host=f"127.0.0.1:{PORT}")
    assert answer.status == 200
    assert f'href="/t/{TOKEN}/f/{place(run, tmp_path)}"' in answer.text
    assert "frame-ancestors http://localhost:*" in answer.headers["content-security-policy"]
    assert ask(app, "/t/wrong/", host=f"127.0.0.1:{PORT}").status == 403
    assert ask(guard(tmp_path), f"/t/{TOKEN}/", host=f"127.0.0.1:{PORT}").status == 403


@pytest.mark.parametrize(
    "address",
    [
        "../secret", "..", "digits/../../secret", "%2e%2e/secret", "..%2fsecret", "..%5csecret", "/etc/passwd", "//etc",
        "~", ".", "x\0y", "out/secret", "a" * 5000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["f/", "report/", "compare?run="])
def test_no_path_leads_out_of_the_folder(before: str, address: str, run: Run, tmp_path: Path) -> None:
    outputs = run.path.parents[1]
    inner = outputs / "inner"
    inner.mkdir()
    (outputs / "secret").write_text("kept to myself")
    (inner / "out").symlink_to(outputs)
    answer = ask(guard(inner), f"/{before}{address.replace(chr(0), '%00')}")
    assert answer.status in (404, 422)
    assert "kept to myself" not in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    harmless(answer)


def test_links_are_neither_listed_nor_followed(run: Run, tmp_path: Path) -> None:
    elsewhere, outputs = tmp_path, tmp_path / "mine"
    outputs.mkdir()
    (outputs / "task").symlink_to(run.path.parent)
    (outputs / "other").mkdir()
    (outputs / "other" / "linked").symlink_to(run.path)
    app = guard(outputs)
    assert run.path.name not in ask(app, "/").text
    for address in (f"/f/task/{run.path.name}", "/f/other/linked", "/report/other/linked/run.json"):
        assert ask(app, address).status == 404
    assert ask(guard(elsewhere), f"/f/{place(run, elsewhere)}").status == 200


def test_a_link_within_a_run_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("kept to myself")
    os.symlink(tmp_path / "secret", run.path / "run.log")
    app = guard(tmp_path)
    for address in (f"/f/{place(run, tmp_path)}", f"/report/{place(run, tmp_path)}/run.log"):
        answer = ask(app, address)
        assert answer.status in (404, 422)
        assert "kept to myself" not in answer.text


def test_names_made_of_html_stay_names(make_whole: Callable[..., Run], tmp_path: Path) -> None:
    run = make_whole(
        {"error": NASTY, "command": ["mlexp", f"note={NASTY}"], "status": "failed", "warnings": [NASTY],
         "task": {"name": "<b>x{{ 7 * 7 }}", "kind": "classification"}},
        classes=[NASTY, "{{ 7 * 7 }}"], n=40, n_epochs=2, dataset=NASTY,
    )  # fmt: skip
    run.path.parent.rename(tmp_path / "<b>x")
    app = guard(tmp_path)
    whole = f"<b>x/{run.path.name}"
    for address in ("/", f"/f/{whole}", f"/compare?run={whole}", f"/new?task={NASTY}&seed={NASTY}"):
        answer = ask(app, address.replace("<", "%3C").replace(">", "%3E").replace(" ", "%20"))
        assert "<img src=x" not in answer.text
        assert "<b>x" not in answer.text
        assert ">49<" not in answer.text
        assert answer.headers["content-security-policy"].startswith(pages.policy())
    assert "&lt;img" in ask(app, "/").text


def test_files_of_a_folder_are_never_pages(run: Run, tmp_path: Path) -> None:
    """HTML and scripts in a folder are bytes to keep, or text; report.html is made anew."""
    app = guard(tmp_path)
    nasty = "<script>alert(1)</script>"
    for name in ("evil.html", "evil.svg", "evil.js", "evil.txt", "report.html", "page.HTML"):
        (run.path / name).write_text(nasty)
        answer = ask(app, f"/report/{place(run, tmp_path)}/{name}")
        assert answer.status == 200
        kind = answer.headers["content-type"]
        if name == "report.html":
            assert nasty not in answer.text
            assert "<h1>" in answer.text
            continue
        assert kind.startswith("text/plain") or answer.headers["content-disposition"] == "attachment"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_policy_allows_our_script_and_style_alone() -> None:
    rules = {rule.split()[0]: rule.split()[1:] for rule in pages.policy().split("; ")}
    assert rules["default-src"] == ["'none'"]
    for name in ("script-src", "style-src"):
        (only,) = rules[name]
        assert only.startswith("'sha256-")
    assert rules["connect-src"] == rules["form-action"] == ["'self'"]


def test_a_damaged_folder_is_one_of_the_list(run: Run, tmp_path: Path) -> None:
    (run.path / "run.json").write_text("{" * 9)
    app = guard(tmp_path)
    assert "damaged" in ask(app, "/").text
    assert ask(app, f"/f/{place(run, tmp_path)}").status == 422


def test_places(tmp_path: Path) -> None:
    (tmp_path / "a b" / "c").mkdir(parents=True)
    assert inside(tmp_path, "a b/c") == tmp_path / "a b" / "c"
    for address in ("", "a b/", "a b//c", "a b/../a b", "./a b", "none"):
        with pytest.raises(NoSuchPlace):
            inside(tmp_path, address)
