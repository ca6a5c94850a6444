"""What was run, as Python and notebooks see it: metrics, history and predictions as data frames, figures, answers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlexp.config.untrusted import opened, reading
from mlexp.store import PARTS, Comparison, Folder, Run, Sweep, files, shown

if TYPE_CHECKING:
    import pandas as pd

    from mlexp.store.fitted import FittedModel

SHOWN_FIGURES = 4


@dataclass(frozen=True)
class View:
    """A folder of mlexp; its parts are read when they are asked for."""

    path: Path
    reads: ClassVar[type[Folder]]

    @cached_property
    def info(self) -> dict[str, Any]:
        """What ran and how it ended: the record of the folder."""
        return self.reads(self.path).info

    @property
    def status(self) -> str:
        """completed, failed, diverged, interrupted or running; of a sweep, failed if some jobs did not complete."""
        return str(self.info["status"])

    @cached_property
    def figures(self) -> dict[str, Path]:
        """Name -> picture (PNG)."""
        return {file.stem: file for file in sorted((self.path / "figures").glob("*.png"))}

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Name -> table (`tables/*.csv`)."""
        return {file.stem: _frame(file) for file in sorted((self.path / "tables").glob("*.csv"))}

    @property
    def report(self) -> Path:
        """The page of the folder (`report.html`), written if it is not there yet."""
        page = self.path / "report.html"
        if not page.exists():
            from mlexp import report

            report.write(self.path)
        return page

    def _html(self, title: str, *middle: str) -> str:
        """Return HTML for a notebook: a title, what comes between, the first pictures."""
        from mlexp.page.pictures import picture

        images = [
            f'<img alt="{escape(name)}" style="max-width: 48%" src="data:image/png;base64,'
            f'{b64encode(picture(file).png).decode()}">'
            for name, file in list(self.figures.items())[:SHOWN_FIGURES]
        ]
        return f"<div><h4>{escape(title)}</h4>{''.join(middle)}{''.join(images)}</div>"


class RunView(View):
    """One run."""

    reads = Run

    @cached_property
    def _run(self) -> Run:
        return Run.open(self.path)

    @property
    def warnings(self) -> list[str]:
        """Sentences that a reader of the figures must know."""
        return list(self.info["warnings"])

    @cached_property
    def config(self) -> dict[str, Any]:
        """Every key of the configuration with its full path, and its value."""
        from mlexp.config import recorded, schema

        return schema.flat(recorded.read(self.path / "config.yaml"))

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Part (train, validation, test) -> metric -> value."""
        return self._run.metrics

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row an epoch; empty for a model that is fitted in one go."""
        import pandas as pd

        return pd.DataFrame(self._run.history)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row for each row that was predicted: part, row, true, predicted ...; classes by their names."""
        import pandas as pd

        arrays, classes = self._run.predictions, self.info["dataset"]["classes"]
        parts = [part for part in PARTS if any(name.startswith(f"{part}_") for name in arrays)]
        if not parts:
            return pd.DataFrame({name: array for name, array in arrays.items() if array.ndim == 1})
        return pd.concat([_part(arrays, part, classes) for part in parts], ignore_index=True)

    @cached_property
    def model(self) -> FittedModel:
        """The fitted model with its preparation: `predict` and `predict_proba` take raw rows."""
        from mlexp.store import fitted

        return fitted.load(self.path)

    def __repr__(self) -> str:
        best = ", ".join(f"{name} {value:.4f}" for name, value in list(self._scores.items())[:2])
        return f"<{self.info['task']['name']}: {self.status}{f', test {best}' if best else ''} in {shown(self.path)}>"

    @property
    def _scores(self) -> Mapping[str, float]:
        return self.metrics.get("test", {})

    def _repr_html_(self) -> str:
        import pandas as pd

        table = pd.DataFrame(self.metrics).T.to_html(float_format="{:.4f}".format) if self.metrics else ""
        notes = "".join(f"<p><b>warning:</b> {escape(sentence)}</p>" for sentence in self.warnings)
        problem = f"<p>{escape(self.info['error'])}</p>" if self.info.get("error") else ""
        return self._html(f"{self.info['task']['name']}: {self.status}", table, problem, notes)


class SweepView(View):
    """Many runs."""

    reads: ClassVar[type[Folder]] = Sweep

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a job: what was set, metrics, status, seconds."""
        return _frame(self.path / "summary.csv")

    @cached_property
    def runs(self) -> list[RunView]:
        """The runs, in the order of their numbers."""
        return [RunView(file.parent) for file in sorted(self.path.glob("runs/*/run.json"))]

    def __repr__(self) -> str:
        return f"<sweep of {len(self.info['jobs'])} runs: {self.status} in {shown(self.path)}>"

    def _repr_html_(self) -> str:
        return self._html(
            f"{self.info['task']}: {len(self.info['jobs'])} runs", self.summary.to_html(index=False)
        )


class _Answered:
    """What was found out by comparing."""

    info: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    @property
    def answer(self) -> list[str]:
        """Sentences, the most important one first; what was found of learning and time comes last."""
        return [*self.info["answer"], *self.info.get("findings", ()), *self.info.get("seconds", ())]

    @property
    def details(self) -> dict[str, str]:
        """What stands beside the answer: the test, its scope of inference and the like, by name."""
        return dict(self.info.get("details", {}))

    @property
    def verdict(self) -> str:
        """The first sentence of the answer: which arm is better."""
        return self.answer[0]

    @property
    def arms(self) -> pd.DataFrame:
        """One row an arm: mean, interval, best, worst ..."""
        return self.tables["arms"]

    @property
    def pairs(self) -> pd.DataFrame:
        """One row a pair of arms: difference, interval, p value ..."""
        return self.tables["pairs"]

    def _html_answer(self) -> str:
        return "".join(f"<p>{escape(sentence)}</p>" for sentence in self.answer)


class ComparisonView(_Answered, SweepView):
    """Arms that were tested against each other, in a folder."""

    reads = Comparison

    def __repr__(self) -> str:
        return f"<comparison: {' '.join(self.answer) or self.status} In {shown(self.path)}>"

    def _repr_html_(self) -> str:
        question = str(self.info.get("question", "comparison"))
        return self._html(question, self._html_answer(), self.arms.to_html(index=False))


@dataclass(frozen=True)
class Answer(_Answered):
    """What comparing runs or scores that were there already found; nothing was written."""

    info: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    def __repr__(self) -> str:
        return f"<comparison: {' '.join(self.answer)}>"

    def __str__(self) -> str:
        return "\n".join([*self.answer, *(f"warning: {sentence}" for sentence in self.info["warnings"])])

    def _repr_html_(self) -> str:
        question = escape(str(self.info["question"]))
        return f"<h3>{question}</h3>{self._html_answer()}{self.arms.to_html(index=False)}"


def _frame(path: Path) -> pd.DataFrame:
    """Return a CSV file of the folder; words as they were before `files.cell` made them safe for spreadsheets."""
    import pandas as pd

    with reading(path), opened(path) as file:
        frame = pd.read_csv(file).rename(columns=files.unquoted)
    for name in frame.select_dtypes(["object", "string"]):
        frame[name] = frame[name].map(files.unquoted, na_action="ignore")
    return frame


def _part(arrays: Mapping[str, Any], part: str, classes: Sequence[str]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    own = {
        name.removeprefix(f"{part}_"): array for name, array in arrays.items() if name.startswith(f"{part}_")
    }
    columns: dict[str, Any] = {}
    for name, array in own.items():
        if array.ndim == 2:
            columns |= {f"{name} {label}": array[:, code] for code, label in enumerate(classes)}
        else:
            columns[name] = np.array(classes)[array] if classes and name in ("true", "predicted") else array
    return pd.DataFrame({"part": part, **columns})
