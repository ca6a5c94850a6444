"""What was run, as Python and notebooks see it: metrics, history and predictions as data frames, figures, answers.

`Run`, `Sweep` and `Comparison` are folders; each opens its files by the class of the same name in `mlexp.store`, which
holds their arrays and cells.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlexp import store
from mlexp.config.untrusted import opened, reading
from mlexp.errors import ConfigError, DataError, did_you_mean
from mlexp.store import PARTS, Folder, files, shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from mlexp.page.page import Page
    from mlexp.store.fitted import FittedModel

SHOWN_FIGURES = 4


@dataclass(frozen=True)
class View:
    """A folder of mlexp; its parts are read when they are asked for.

    Attributes
    ----------
    path : Path
        The folder.
    """

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

    def figure(self, name: str) -> Figure:
        """Draw a figure from what the folder recorded, whether or not its page shows it.

        Parameters
        ----------
        name : str
            Such as ``"confusion"`` or ``"learning_curves"``; a wrong name is answered with the names there are.

        Returns
        -------
        matplotlib.figure.Figure
            Shown below the cell in a notebook; ``savefig("confusion.pdf")`` writes it.

        Raises
        ------
        ConfigError
            There is no figure of that name.
        DataError
            The folder did not record what it shows.
        """
        from mlexp import report
        from mlexp.runs import notebook

        notebook.show_figures()
        return report.figure(self.path, name)

    def show(self) -> None:
        """Show the results below the cell of a notebook; elsewhere open the page in the browser."""
        from mlexp.runs import notebook

        if notebook.is_notebook():
            from IPython.display import display

            display(self)  # type: ignore[no-untyped-call]
            return
        import webbrowser

        page = self.report.resolve()
        if not webbrowser.open(page.as_uri()):
            print(page)

    def to_latex(self, table: str | None = None) -> str:
        """Return a table of the page in LaTeX, with rules of booktabs, its caption and a label.

        Parameters
        ----------
        table : str or None, default None
            Name of the table; None: the scores of a run, the jobs of a sweep, the arms of a comparison.

        Raises
        ------
        ConfigError
            There is no table of that name.
        DataError
            There is no result yet.
        """
        from mlexp import report
        from mlexp.documents import content, tex

        page = report.page(self.path)
        known = {one.name: one for one in (*page.members, *page.tables)}
        if not known:
            raise DataError(f"{self.path} has no table yet: its status is {self.status}.")
        name = self._main_table(page) if table is None else table
        if name not in known:
            raise ConfigError(
                f"'{name}' is not a table of {self.path}. Its tables: {', '.join(known)}.{did_you_mean(name, known)}"
            )
        return tex.table(content.printed(known[name]))

    def _main_table(self, page: Page) -> str:
        return [*page.members, *page.tables][0].name

    def _html(self, title: str, *middle: str) -> str:
        """Return HTML for a notebook: a title, what comes between, the first pictures."""
        from mlexp.page.pictures import picture

        images = [
            f'<img alt="{escape(name)}" style="max-width: 48%" src="data:image/png;base64,'
            f'{b64encode(picture(file).png).decode()}">'
            for name, file in list(self.figures.items())[:SHOWN_FIGURES]
        ]
        return f"<div><h4>{escape(title)}</h4>{''.join(middle)}{''.join(images)}</div>"


class Run(View):
    """One run: its settings, scores, history, predictions, figures and fitted model.

    Attributes
    ----------
    path : Path
        The folder.
    status : str
        completed, failed, diverged, interrupted or running.
    config : dict
        Every key of the configuration with its full path, and its value.
    metrics : dict
        Set (train, validation, test) -> metric -> value.
    history : DataFrame
        One row an epoch: epoch (int64), losses and scores.
    predictions : DataFrame
        One row a sample: set, row, true and predicted value, probabilities.
    tables, figures : dict
        Name -> data frame; name -> picture (PNG). `figure` draws one anew.
    model : FittedModel
        `predict` and `predict_proba` take raw samples.
    warnings : list of str
        What a reader of the numbers must know.
    info : dict
        The record (`run.json`).
    report : Path
        The page.
    """

    reads = store.Run

    @cached_property
    def _run(self) -> store.Run:
        return store.Run.open(self.path)

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
        """One row an epoch, counted in whole numbers; empty for a model that is fitted in one go."""
        import pandas as pd

        frame = pd.DataFrame(self._run.history)
        return frame.astype({"epoch": "int64"}) if "epoch" in frame else frame

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


class Sweep(View):
    """Many runs.

    Attributes
    ----------
    summary : DataFrame
        One row a job: what was set, metrics, status, seconds.
    runs : list of Run
        In the order of their numbers.
    others : as of `Run`: path, status, info, tables, figures, report
    """

    reads: ClassVar[type[Folder]] = store.Sweep

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a job: what was set, metrics, status, seconds."""
        return _frame(self.path / "summary.csv")

    @cached_property
    def runs(self) -> list[Run]:
        """The runs, in the order of their numbers."""
        return [Run(file.parent) for file in sorted(self.path.glob("runs/*/run.json"))]

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


class Comparison(_Answered, Sweep):
    """Arms that were tested against each other, in a folder.

    Attributes
    ----------
    verdict : str
        The first sentence of the answer: which arm is better.
    answer : list of str
        All sentences, the most important one first.
    details : dict
        The test, its scope of inference and the like, by name.
    arms, pairs : DataFrame
        One row an arm: mean, interval ...; one row a pair of arms: difference, interval, p value ...
    others : as of `Sweep`
    """

    reads = store.Comparison

    def _main_table(self, page: Page) -> str:
        names = [table.name for table in (*page.members, *page.tables)]
        return "arms" if "arms" in names else super()._main_table(page)

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
