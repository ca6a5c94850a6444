"""An editor completes, explains and checks a task file by the schema that ``mlexp schema`` prints.

Shown twice: by looking up in the schema what an editor would, and by the YAML language server of VS Code, Neovim and
others, where it is installed (npm install -g yaml-language-server).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlexp.cli import main
from mlexp.config.editor import dataset_schema, task_schema
from mlexp.config.names import ACTIVATIONS
from mlexp.config.schema import declared

SERVER = shutil.which("yaml-language-server")
HEAD = "# @package _global_\n# yaml-language-server: $schema=../mlexp.schema.json\n"


def looked_up(path: str) -> dict[str, Any]:
    """Return the schema of a key, by the way that an editor goes for completion and hover."""
    found = task_schema()
    for name in path.split("."):
        found = found["properties"][name]
    return found


@pytest.mark.parametrize("path", declared())
def test_every_key_is_found_with_its_meaning(path: str) -> None:
    assert declared()[path].metadata["meaning"] in looked_up(path)["description"]


def test_closed_lists_are_offered() -> None:
    offered = [word for one in looked_up("model.activation")["anyOf"] for word in one.get("enum", ())]
    assert offered == list(ACTIVATIONS)
    datasets = task_schema()["properties"]["defaults"]["items"]["anyOf"][1]["properties"]["override /dataset"]
    assert "mnist" in datasets["anyOf"][0]["enum"]
    assert set(dataset_schema()["properties"]) == {
        path.removeprefix("dataset.") for path in declared() if path.startswith("dataset.")
    }


class Editor:
    """A client of the language server protocol that has one file open."""

    def __init__(self, folder: Path) -> None:
        assert SERVER is not None
        self.server = subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.uri = (folder / "task" / "plants.yaml").as_uri()
        self.version = self.count = 0
        self.mistakes: list[dict[str, Any]] = []
        self.ask(
            "initialize", processId=None, rootUri=folder.as_uri(), capabilities={}, workspaceFolders=None
        )
        self.send(method="initialized", params={})

    def send(self, **message: Any) -> None:
        text = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.server.stdin is not None
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        self.server.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """Return the next message; questions of the server are answered with nothing."""
        assert self.server.stdout is not None
        length = 0
        while (line := self.server.stdout.readline().strip()) or not length:
            assert line or self.server.poll() is None
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.server.stdout.read(length))
        if "method" in message and "id" in message:
            self.send(id=message["id"], result=None)
        return message

    def ask(self, method: str, **params: Any) -> Any:
        self.count += 1
        self.send(id=self.count, method=method, params=params)
        while (message := self.receive()).get("id") != self.count or "method" in message:
            pass
        return message.get("result")

    def show(self, text: str) -> list[str]:
        """Open the file with another text, and return what it is told of mistakes."""
        self.version += 1
        document = {"uri": self.uri, "version": self.version}
        if self.version == 1:
            self.send(
                method="textDocument/didOpen",
                params={"textDocument": document | {"languageId": "yaml", "text": text}},
            )
        else:
            change = {"textDocument": document, "contentChanges": [{"text": text}]}
            self.send(method="textDocument/didChange", params=change)
        while (message := self.receive()).get("method") != "textDocument/publishDiagnostics":
            pass
        return [one["message"] for one in message["params"]["diagnostics"]]

    def at(self, text: str) -> dict[str, Any]:
        lines = text.split("\n")
        return {
            "textDocument": {"uri": self.uri},
            "position": {"line": len(lines) - 1, "character": len(lines[-1])},
        }

    def completions(self, text: str) -> list[str]:
        self.show(text)
        found = self.ask("textDocument/completion", **self.at(text))
        return [one["label"] for one in (found if isinstance(found, list) else found["items"])]


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Editor]:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "plants"]) == 0
    opened = Editor(tmp_path / "plants")
    yield opened
    opened.server.kill()
    opened.server.communicate()


@pytest.mark.skipif(SERVER is None, reason="needs yaml-language-server (npm)")
def test_a_language_server_completes_explains_and_checks(editor: Editor) -> None:
    assert not editor.show((Path("plants/task/plants.yaml")).read_text())
    assert "activation" in editor.completions(f"{HEAD}model:\n  ac")
    assert "leaky_relu" in editor.completions(f"{HEAD}model:\n  activation: ")
    assert "mnist" in editor.completions(f"{HEAD}defaults:\n  - override /dataset: ")
    text = f"{HEAD}model:\n  patience"
    editor.show(f"{text}: 3")
    place = editor.at(text)
    place["position"]["character"] -= 2
    explained = editor.ask("textDocument/hover", **place)
    assert declared()["model.patience"].metadata["meaning"] in json.dumps(explained, ensure_ascii=False)
    assert any("hiden" in said for said in editor.show(f"{HEAD}model:\n  hiden: [8]\n"))
    assert editor.show(f"{HEAD}model:\n  epochs: many\n")
    assert editor.show(f"{HEAD}model:\n  dropout: 1.5\n")
    assert not editor.show(f"{HEAD}model:\n  activation: ReLU\n")
