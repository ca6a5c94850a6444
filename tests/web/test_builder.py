"""What the form of a command comes to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.web.asked import ask, guard

from mlexp.web import builder

pytest.importorskip("starlette", reason="the extra ui is not installed")


def test_requests_at_one_time_are_answered_each_for_itself(tmp_path: Path) -> None:
    app = guard(tmp_path)
    widths = [*range(3, 15)]
    with ThreadPoolExecutor(6) as pool:
        pages = [*pool.map(lambda width: ask(app, f"/new?task=digits_mlp&model.hidden=[{width}]"), widths)]
    for width, page in zip(widths, pages, strict=True):
        assert page.status == 200
        assert "accepted" in page.text
        assert f"- {width}\n" in page.text


def test_defaults_are_those_of_the_chosen_task() -> None:
    assert builder.built([("task", "moons_boundary"), ("seed", "-1")]).defaults["model.hidden"] == "[25, 25]"
    assert builder.built([]).defaults["model.hidden"] == "[64, 32]"
    assert not builder.built([("task", "none_such")]).defaults
