"""A run as its page sees it: the record, the configuration, the scores that are numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlexp.config import yamltext
from mlexp.page.page import KeyFigure
from mlexp.page.scores import score
from mlexp.store import Run

PARTS = ("test", "validation", "train")
MODELS = {
    "mlp": "network",
    "sklearn_mlp": "network",
    "random_forest": "random forest",
    "decision_tree": "decision tree",
    "hist_gradient_boosting": "model of boosted trees",
    "svm": "support-vector machine",
    "knn": "nearest-neighbour model",
    "logistic": "logistic regression",
    "naive_bayes": "naive Bayes model",
    "linear": "linear model",
    "ridge": "ridge regression",
    "stacking": "stacked model",
    "voting": "voting model",
    "bagging": "bagged model",
    "calibrated": "calibrated model",
    "thresholded": "model with a tuned threshold",
}
Said = tuple[list[str], list[KeyFigure]]  # sentences and key figures of an answer
SEEN = {"train": "it was trained on", "validation": "that chose its settings", "test": "it has never seen"}


@dataclass(frozen=True)
class RecordedRun:
    """A run with its configuration as `config.yaml` holds it."""

    run: Run
    config: Mapping[str, Any]

    @cached_property
    def info(self) -> dict[str, Any]:
        """What ran and how it ended."""
        return self.run.info

    @cached_property
    def kind(self) -> str:
        """The kind of question, such as classification."""
        return str(self.info["task"]["kind"])

    @cached_property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Part -> metric -> value; those that are not finite are left out."""
        known = {
            part: {name: value for name, value in scores.items() if value is not None}
            for part, scores in self.run.metrics.items()
        }
        return {part: scores for part, scores in known.items() if scores}

    @cached_property
    def part(self) -> str:
        """The part whose scores count: test, else validation, else train."""
        return next((part for part in PARTS if part in self.metrics), next(iter(self.metrics)))

    @property
    def scores(self) -> dict[str, float]:
        """The scores of that part."""
        return self.metrics[self.part]

    @property
    def rows(self) -> int:
        """The number of rows of that part; 0 if it is not on record."""
        return int(self.info["split"].get(self.part, 0))

    @property
    def parts(self) -> dict[str, int]:
        """Part -> number of rows."""
        return {part: n for part, n in self.info["split"].items() if isinstance(n, int)}

    @property
    def pca_alone(self) -> bool:
        """Whether the study is about principal components and nothing else."""
        return self.kind == "embedding" and list(self.info["facts"].get("rows", ())) == ["pca"]

    @property
    def data(self) -> str:
        """The name of the data set."""
        return str(self.info["dataset"]["name"])

    @property
    def model(self) -> str:
        """What the model is called in a sentence."""
        name = self.config.get("model", {}).get("name")
        return MODELS.get(name, f"model {name}" if name else "model")

    @property
    def target(self) -> str:
        """What a regression predicts."""
        name = self.info["dataset"].get("target")
        return str(name) if name and name != "target" else "the target"

    @property
    def things(self) -> str:
        """What a row of the data is."""
        return "images" if self.info["dataset"].get("image_shape") else "rows"

    @cached_property
    def tuning(self) -> dict[str, Any]:
        """How its settings were searched for (`tuning.json`); empty if they were typed."""
        return self.run.tuning

    def figures(self, labels: Mapping[str, str]) -> list[KeyFigure]:
        """Return scores of the part that counts, by metric and label, beside those of the other parts."""
        return [
            KeyFigure(f"{label}, {self.part}", self.shown(key, self.scores[key]), self._elsewhere(key))
            for key, label in labels.items()
            if key in self.scores
        ]

    def shown(self, key: str, value: float) -> str:
        """Return a score as it is read."""
        return score(key, value, self.rows)

    def untested(self) -> list[str]:
        """Say so if no test part was scored."""
        if self.part == "test":
            return []
        return [f"No test part was scored; on {self.part} rows a model looks better than it is."]

    def _elsewhere(self, key: str) -> str:
        values = {part: self.metrics.get(part, {}).get(key) for part in reversed(PARTS)}
        words = [f"{part} {self.shown(key, value)}" for part, value in values.items() if value is not None]
        return ", ".join(word for word in words if not word.startswith(self.part))


def settings(folder: Path) -> Mapping[str, Any]:
    """Return the configuration of a run or sweep; empty where there is none."""
    path = folder / "config.yaml"
    return yamltext.read(path) if path.exists() else {}


def page_in(folder: Path, run: str) -> str:
    """Return where a link from the page of `folder` to another folder leads: its page, or itself if it has none.

    Records name folders by their way from `folder`; what is no such way leads nowhere.
    """
    if not run or run.startswith("/") or ":" in run.partition("/")[0]:
        return ""
    return f"{run}/report.html" if os.path.exists(folder / run / "report.html") else f"{run}/"


def by_method(study: RecordedRun, fact: str) -> dict[str, dict[str, float]]:
    """Return method -> scores; a run of one method calls its scores 'all'."""
    if list(study.metrics) == ["all"]:
        return {next(iter(study.info["facts"][fact])): study.metrics["all"]}
    return study.metrics


def three(scores: Mapping[str, float], labels: Mapping[str, str], note: str) -> list[KeyFigure]:
    """Return those scores that there are as key figures."""
    return [
        KeyFigure(label, f"{scores[key]:.3f}".replace("-", "−"), note)
        for key, label in labels.items()
        if key in scores
    ]
