"""Downloads: https alone, bounded in bytes and time, and nothing kept that is not what was asked for."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from mlexp.data import download
from mlexp.data.packed import checksum
from mlexp.data.published_sets import KNOWN
from mlexp.errors import DataError

RETRIEVE = download.retrieve  # before the fixtures of this folder take it away


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[int, dict[str, str], object]]]:
    """A network of what stands in the mapping: address -> status, headers, content. All that was asked is in it too."""
    answers: dict[str, tuple[int, dict[str, str], object]] = {}

    def send(self: HTTPAdapter, request: requests.PreparedRequest, **_: object) -> requests.Response:
        assert request.url
        status, headers, content = answers[request.url]
        asked.append(request.url)
        body = io.BytesIO(content) if isinstance(content, bytes) else content
        raw = HTTPResponse(body, headers, status, preload_content=False)  # type: ignore[arg-type]
        return self.build_response(request, raw)

    asked: list[str] = []
    monkeypatch.setattr(HTTPAdapter, "send", send)
    yield answers
    assert all(url.startswith("https://") for url in asked)


def test_a_file_arrives_whole(network: dict, tmp_path: Path) -> None:
    network["https://a/x.gz"] = (302, {"location": "https://b/y"}, b"")
    network["https://b/y"] = (200, {}, b"content")
    RETRIEVE("https://a/x.gz", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"content"


@pytest.mark.parametrize(
    "to", ["http://b/y", "ftp://b/y", "file:///etc/passwd", "//b/y:", "HTTP://b/y", "javascript:x"]
)
def test_only_https_is_followed(to: str, network: dict, tmp_path: Path) -> None:
    network["https://a/x"] = (301, {"location": to}, b"")
    for status in (200, 404):
        network["http://b/y"] = (status, {}, b"of whoever stands in between")
    with pytest.raises((OSError, KeyError)):
        RETRIEVE("https://a/x", tmp_path / "x")
    with pytest.raises(download.NotSecure):
        RETRIEVE("http://b/y", tmp_path / "x")
    assert not (tmp_path / "x").exists() or not (tmp_path / "x").read_bytes()


def test_bytes_and_time_are_bounded(network: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "MOST_BYTES", 10_000)
    network["https://a/x"] = (200, {}, b"x" * 20_000)
    network["https://a/y"] = (200, {"content-encoding": "gzip"}, gzip.compress(b"x" * 10_000_000))
    for name in "xy":
        with pytest.raises(download.TooLarge):
            RETRIEVE(f"https://a/{name}", tmp_path / name)
        assert (tmp_path / name).stat().st_size <= 10_000
    monkeypatch.setattr(download, "MOST_SECONDS", 0)
    network["https://a/z"] = (200, {}, b"x" * 9000)
    with pytest.raises(TimeoutError):
        RETRIEVE("https://a/z", tmp_path / "z")


def test_what_is_not_the_published_file_is_not_kept(
    network: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "retrieve", RETRIEVE)
    network["https://a/x"] = (200, {}, b"another file")

    def check(path: Path) -> None:
        raise DataError("not the published file")

    said = download.download(["https://a/x", "http://b/x"], tmp_path / "x", check)
    assert said == ["a: not the published file", "b: NotSecure"]
    assert not list(tmp_path.iterdir())


def test_every_mirror_is_https() -> None:
    assert all(mirror.startswith("https://") for known in KNOWN.values() for mirror in known.mirrors)


def test_a_bomb_is_not_unpacked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"x" * 5_000_000))
    monkeypatch.setattr("mlexp.data.packed.MOST_BYTES", 4_000_000)
    with pytest.raises(DataError, match="not the published file"):
        checksum(tmp_path / "x.gz")
