"""What a key means, and the schema by which an editor checks a task file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlexp.cli import main
from mlexp.config import groups
from mlexp.config.editor import task_schema
from mlexp.config.schema import declared, default

jsonschema = pytest.importorskip("jsonschema")
VALID = {"task": {"name": "mine", "kind": "classification"}, "model": {"hidden": [8], "activation": "relu"}}
MISTAKES: dict[str, dict[str, Any]] = {
    "unknown node": {"modle": {"hidden": [8]}},
    "unknown key": {"model": {"hiden": [8]}},
    "word for a number": {"model": {"epochs": "many"}},
    "number out of range": {"model": {"dropout": 1.5}},
    "zero epochs": {"model": {"epochs": 0}},
    "fraction for a whole number": {"model": {"patience": 2.5}},
    "unknown choice": {"model": {"activation": "rellu"}},
    "unknown choice in a list": {"model": {"activation": ["relu", "rellu"]}},
    "list of words": {"model": {"hidden": ["wide"]}},
    "text for true or false": {"model": {"batch_norm": "perhaps"}},
    "no fold": {"split": {"test": "5/"}},
    "key in place of a node": {"split": 0.2},
    "unknown group": {"defaults": [{"override /data": "mnist"}]},
}


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = task_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("file", groups.files("task"), ids=lambda file: file.stem)
def test_every_shipped_task_is_valid(file: Path, validator: Any) -> None:
    assert [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text()))] == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_refused(mistake: str, validator: Any) -> None:
    assert validator.is_valid(VALID)
    assert not validator.is_valid(VALID | MISTAKES[mistake])


@pytest.mark.parametrize("value", ["ReLU", "${model.activation}", ["tanh", "RELU"]])
def test_what_the_program_takes_is_valid(value: Any, validator: Any) -> None:
    assert validator.is_valid({"model": {"activation": value}})


def test_every_key_has_a_rule_for_editors_that_takes_its_default() -> None:
    for path, entry in declared().items():
        schema = entry.metadata["rule"].schema
        assert schema, path
        assert jsonschema.Draft202012Validator(schema).is_valid(default(entry)), path


def test_schema_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    meaning = declared()["model.patience"].metadata["meaning"]
    assert meaning in printed["properties"]["model"]["properties"]["patience"]["description"]


def test_keys_nodes_and_choices_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "model.patience", "tracking", "task=mnist_mlp"]) == 0
    said = capsys.readouterr().out
    assert declared()["model.patience"].metadata["meaning"] in said
    assert declared()["tracking.uri"].metadata["meaning"] in said
    assert groups.offered("task")["mnist_mlp"] in said


@pytest.mark.parametrize(
    ("name", "near"), [("model.patiense", "model.patience"), ("task=mnist_mpl", "mnist_mlp")]
)
def test_a_misspelled_name_leads_to_the_nearest(
    name: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", name]) == 2
    assert near in capsys.readouterr().err
