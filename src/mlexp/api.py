"""mlexp from Python: run, sweep and compare, and read what was found as data frames.

    import mlexp
    run = mlexp.run("task=mnist_mlp", "model.activation=relu", seed=1)
    run.metrics["test"]["accuracy"], run.history.plot(x="epoch", y="validation_loss")

Settings are written as on the command line, or as keyword arguments: ``seed=1``, ``model={"activation": "relu"}``,
``**{"model.activation": "relu"}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexp import store
from mlexp.config.overrides import as_settings, as_word
from mlexp.errors import ConfigError
from mlexp.store import find
from mlexp.views import Answer, ComparisonView, RunView, SweepView, View

if TYPE_CHECKING:
    from mlexp.comparisons.analysis import Analysis
    from mlexp.sweeps.conductor import Outcome


def run(*settings: str, config_dir: str | None = None, **more: Any) -> RunView:
    """Run one configuration, as ``mlexp SETTINGS`` does, and return what it found.

    Parameters
    ----------
    *settings : ``"task=mnist_mlp"``, ``"model.activation=relu"`` ...
    config_dir : folder with your own task/, dataset/ or model/ files, default None
    **more : settings by keyword; a mapping stands for the keys of a node

    Raises
    ------
    ConfigError, DataError
        Nothing ran.
    DivergedError, Interrupted
        The folder holds what was done; `load` it.
    """
    from mlexp import dispatch
    from mlexp.config import compose as configuration

    words = [*_checked(settings), *_typed(more)]
    config = configuration.compose_run(words, config_dir)
    if config.task.kind == "comparison":
        raise ConfigError(
            f"task={config.task.name} compares several runs: call mlexp.compare with these settings."
        )
    return RunView(dispatch.run(config, command=_command(words, config_dir)).path)


def sweep(*settings: str, config_dir: str | None = None, **more: Any) -> SweepView:
    """Run every combination of the values given, as ``mlexp -m SETTINGS`` does.

    Parameters
    ----------
    *settings : as for `run`; several values with commas, ``"seed=0,1,2"``
    config_dir : as for `run`
    **more : settings by keyword, where a list means several values: ``seed=[0, 1, 2]``,
        ``**{"model.hidden": [[64], [64, 32]]}``

    Returns
    -------
    SweepView
        Jobs that did not complete are there with their status; the others are not touched by them.

    Raises
    ------
    ConfigError, DataError
        Nothing ran.
    Interrupted
        The sweep was stopped; ``mlexp resume`` resumes it.
    """
    from mlexp import dispatch

    words = [*_checked(settings), *(word for key, value in more.items() for word in _several(key, value))]
    plan = dispatch.plan_sweep(words, config_dir, _command(words, config_dir, "-m"))
    return SweepView(_done(dispatch.run_sweep(plan)))


def compare(*what: str | Path | View, config_dir: str | None = None, **more: Any) -> ComparisonView | Answer:
    """Run a comparison, ``mlexp.compare("task=mnist_sigmoid_vs_relu")``, or compare runs that are there already.

    Parameters
    ----------
    *what : settings as for `run`, the task being a comparison; or runs and sweeps: what `run`, `sweep` and `load`
        returned, folders, or names as for `load`
    config_dir : as for `run`
    **more : settings by keyword; a mapping stands for the keys of a node. For runs: what ``mlexp compare --help``
        lists, such as ``by="model.activation"``, ``metric="test.accuracy"`` or ``save="folder"``

    Returns
    -------
    The folder of the comparison; for runs an `Answer`, or the folder that ``save`` names.

    Raises
    ------
    ConfigError, DataError
        Nothing ran; the runs cannot be compared.
    Interrupted
        The comparison was stopped; ``mlexp resume`` resumes it.
    """
    from mlexp import dispatch
    from mlexp.comparisons import study as studies

    if what and all(isinstance(one, (View, Path)) or _is_name(one) for one in what):
        return _compare_runs(what, **more)
    words = [*_checked(what), *_typed(more)]
    study = studies.plan(words, config_dir, _command(words, config_dir))
    return ComparisonView(_done(dispatch.run_comparison(study)))


def compare_scores(
    scores: Any,
    *,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    per: str = "seed",
    n_train: float | None = None,
    n_test: float | None = None,
    **settings: Any,
) -> Answer:
    """Compare scores that another program made, by the tests that runs of mlexp get.

    What is given decides the test: scores of every test row by several runs are crossed, seeds × rows; scores of folds
    that all arms share get the corrected t; one score a seed gets Welch's t, which says nothing about new test rows.

    Parameters
    ----------
    scores : a data frame or the name of a CSV file, with the columns arm, score, and seed, row or fold (in any case;
        also dataset, repeat, n_train and n_test); a dictionary arm -> array of shape (seeds, rows), (seeds,) or
        (folds,); a search of scikit-learn or its ``cv_results_``, whose candidates become the arms
    metric : what a score is called, such as accuracy; of a search with several scorers, which one
    higher_is_better : default None: by the name of the metric, else True
    per : what an array of one axis has a score of: seed (default) or fold
    n_train, n_test : rows that one fold trains and tests on; default None: as in one k-fold cross-validation
    **settings : test, alpha and margin, as for ``mlexp compare``

    Returns
    -------
    Answer: `verdict`, `answer`, `arms` and `pairs` with their intervals; `str` of it is the answer. Nothing is written.

    Raises
    ------
    ConfigError, DataError
        A column or a score is missing, given twice or no number; the arms have scores of different rows or folds.

    Examples
    --------
    >>> import numpy as np, mlexp
    >>> rng = np.random.default_rng(0)
    >>> right = {"mlp": rng.random((5, 200)) < 0.95, "svm": rng.random((5, 200)) < 0.80}
    >>> found = mlexp.compare_scores(right)
    >>> found.info["test"], found.pairs["separated"].tolist()
    ('crossed', [True])
    """
    from mlexp.comparisons import past_runs
    from mlexp.comparisons import scores as given

    if "target" in settings:
        raise ConfigError("'target' does not apply to scores. What does: test, alpha, margin.")
    done = given.compare(
        scores,
        past_runs.asked(settings),
        metric=metric,
        higher_is_better=higher_is_better,
        per=per,
        n_train=n_train,
        n_test=n_test,
    )
    return _answer(done)


def load(name: str | Path, outputs: str | Path = "outputs") -> RunView | SweepView | ComparisonView:
    """Open what was run: a folder, a task's newest run by the name of the task, or ``latest``.

    Raises
    ------
    DataError
        There is no such run.
    """
    opened = store.open(find(str(name), outputs))
    if isinstance(opened, store.Run):
        return RunView(opened.path)
    return (ComparisonView if isinstance(opened, store.Comparison) else SweepView)(opened.path)


def _done(outcome: Outcome) -> Path:
    error = outcome.error()
    if error is not None and outcome.status == "interrupted":
        raise error
    return outcome.path


def _compare_runs(
    what: Sequence[str | Path | View],
    *,
    by: str | Sequence[str] = (),
    best_of: str | None = None,
    save: str | Path | None = None,
    outputs: str | Path = "outputs",
    **settings: Any,
) -> ComparisonView | Answer:
    from mlexp.comparisons import past_runs

    paths = [one.path if isinstance(one, View) else find(str(one), outputs) for one in what]
    keys = by.split(",") if isinstance(by, str) else by
    folder = None if save is None else Path(save)
    command = ["mlexp", "compare", *map(str, paths)]
    done = past_runs.compare(
        paths, past_runs.asked(settings), by=keys, best_of=best_of, save=folder, command=command
    )
    if folder is not None:
        return ComparisonView(folder)
    return _answer(done)


def _answer(done: Analysis) -> Answer:
    import pandas as pd

    tables = {name: pd.DataFrame(table).replace("", float("nan")) for name, table in done.tables.items()}
    return Answer(done.info, {name: table.infer_objects() for name, table in tables.items()})


def _is_name(word: Any) -> bool:
    return isinstance(word, str) and "=" not in word and not word.startswith("~")


def _checked(settings: Sequence[Any]) -> list[str]:
    for word in settings:
        if not isinstance(word, str) or _is_name(word):
            raise ConfigError(
                "Settings are words such as 'model.l2=0.1', or keywords such as seed=1 (a list of words is passed as "
                f"*words, a mapping as **settings). Got {word!r}."
            )
    return list(settings)


def _typed(more: Mapping[str, Any]) -> list[str]:

    plain = {key: str(value) if isinstance(value, Path) else value for key, value in more.items()}
    return [one.text for one in as_settings(plain)]


def _several(key: str, value: Any) -> list[str]:
    """Return ``key=a,b`` for a list, the keys of a node each for themselves for a mapping."""
    if isinstance(value, Mapping):
        return [word for name, inner in value.items() for word in _several(f"{key}.{name}", inner)]
    values = value if isinstance(value, list | tuple | range) else [value]

    return [f"{key}={','.join(as_word(str(one) if isinstance(one, Path) else one) for one in values)}"]


def _command(words: Sequence[str], config_dir: str | None, *flags: str) -> list[str]:
    """Return what would have to be typed for the same, for the record."""
    return ["mlexp", *flags, *(["--config-dir", config_dir] if config_dir else []), *words]
