"""mlexp from Python: run, sweep and compare, on data in memory or by configuration, and read what was found.

    import mlexp
    run = mlexp.run(X, y, model="mlp", hidden=[64], seed=1)
    run = mlexp.run("task=mnist_mlp", "model.activation=relu", seed=1)
    run.metrics["test"]["accuracy"], run.history.plot(x="epoch", y="validation_loss")

Settings are written as on the command line, or as keyword arguments: ``seed=1``, ``model={"activation": "relu"}``,
``**{"model.activation": "relu"}``. Keys of the nodes model, split, prepare and dataset need no prefix: ``hidden=[64]``,
``validation=0.2``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexp import plugins, store
from mlexp.api.data import Given, apart, own_test
from mlexp.api.settings import checked, command, flattened, is_setting, of_comparison, plain, several, typed
from mlexp.config.groups import config_folder
from mlexp.config.overrides import as_settings
from mlexp.errors import ConfigError
from mlexp.runs import notebook
from mlexp.store import find
from mlexp.views import Answer, Comparison, Run, Sweep, View

if TYPE_CHECKING:
    from mlexp.comparisons.analysis import Analysis
    from mlexp.config.conditions import Condition
    from mlexp.sweeps.conductor import SweepOutcome
    from mlexp.web.server import Served


plugins.load()  # those that the environment names


def run(
    *data_or_settings: Any,
    config_dir: str | None = None,
    feature_names: Sequence[str] | None = None,
    keep_data: bool = True,
    progress: bool | None = None,
    **more: Any,
) -> Run:
    """Run one configuration and return what it found: ``run(X, y, hidden=[64])``, ``run("task=mnist_mlp", seed=1)``.

    Parameters
    ----------
    *data_or_settings
        X and y, or nothing, and then settings as typed: ``"model.activation=relu"``. X is a data frame (pandas or
        polars), or an array-like of numbers of shape (n_samples, n_features), (n_samples, height, width) or
        (n_samples, height, width, 3); y holds n_samples labels or names a column of the data frame, and is left out for
        tasks without labels. A data frame is read as the CSV file that it would be written to. Labels that are words,
        truth values or at most 50 different whole numbers are classes, fractions are quantities, unless `task` says.
    config_dir : str or None, default None
        Folder with your own task/, dataset/ or model/ files; None: that of ``MLEXP_CONFIG_DIR``, if any.
    feature_names : sequence of str or None, default None
        Names of the columns of an array.
    keep_data : bool, default True
        Keep one copy of the data, in ``.data`` of the folder `outputs`, by which the run can be rerun and resumed.
    progress : bool or None, default None
        Show the epochs; None: in a notebook only.
    **more
        Settings by keyword; a mapping stands for the keys of a node. ``test=0.2`` is a share of the samples,
        ``test=(X_test, y_test)`` a test set of its own; ``name="flowers"`` names the data.

    Returns
    -------
    Run

    Raises
    ------
    ConfigError, DataError
        Nothing ran.
    DivergedError, Interrupted
        The folder holds what was done; `load` it.
    ExpectationError
        All ran; conditions of ``expect={"test.accuracy": ">= 0.95"}`` are not met. `load` its `folder`.

    Examples
    --------
    >>> import tempfile, mlexp
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as outputs:
    ...     found = mlexp.run(X, y, model="decision_tree", figures=False, outputs=outputs)
    ...     found.metrics["test"]["accuracy"] > 0.8
    True
    """
    from mlexp import dispatch
    from mlexp.config import compose as configuration
    from mlexp.report import expected
    from mlexp.runs import session

    data, words, more = apart(data_or_settings, more)
    config_dir = config_folder(config_dir)
    given, words = _given(data, words, more, feature_names, config_dir)
    if given is not None and keep_data:
        words += given.kept()
    config = configuration.compose_run(words, config_dir)
    if config.task.kind == "comparison":
        raise ConfigError(
            f"task={config.task.name} compares several runs: call mlexp.compare with these settings."
        )
    conditions = dispatch.conditions_of(config)
    dataset = None
    if given is not None and not keep_data:
        if config.tune.strategy is not None:
            raise ConfigError("keep_data=False: the trials of a search read the kept copy. Leave it out.")
        with given.lent(config) as lent:
            dataset = session.load(lent)
    shown = notebook.terminal(progress)
    done = dispatch.run(config, command=command(words, config_dir), terminal=shown, dataset=dataset)
    expected.hold(done.path, expected.checked(done.path, conditions))
    return Run(done.path)


def sweep(
    *data_or_settings: Any,
    config_dir: str | None = None,
    feature_names: Sequence[str] | None = None,
    progress: bool | None = None,
    **more: Any,
) -> Sweep:
    """Run every combination of the values given, as ``mlexp -m SETTINGS`` does.

    Parameters
    ----------
    *data_or_settings
        As for `run`; several values with commas, ``"seed=0,1,2"``.
    config_dir, feature_names, progress
        As for `run`.
    **more
        Settings by keyword, where a list means several values: ``seed=[0, 1, 2]``, ``hidden=[[64], [64, 32]]``.

    Returns
    -------
    Sweep
        Jobs that did not complete are there with their status; the others are not touched by them.

    Raises
    ------
    ConfigError, DataError
        Nothing ran.
    Interrupted
        The sweep was stopped; ``mlexp resume`` resumes it.
    ExpectationError
        As for `run`.
    """
    from mlexp import dispatch

    data, words, more = apart(data_or_settings, more)
    test = own_test(more) if data else None
    config_dir = config_folder(config_dir)
    words = [*checked(words), *several(more, config_dir)]
    if data:
        words = _with_data(Given(data, feature_names, test, words), words)
    plan = dispatch.plan_sweep(words, config_dir, command(words, config_dir, "-m"))
    conditions = dispatch.conditions_of(plan)
    return Sweep(_done(dispatch.run_sweep(plan, verbosity=notebook.verbosity(progress)), conditions))


def compare(
    *what: Any,
    config_dir: str | None = None,
    feature_names: Sequence[str] | None = None,
    progress: bool | None = None,
    **more: Any,
) -> Comparison | Answer:
    """Compare settings: ``compare({"relu": {...}, "tanh": {...}}, X, y, seeds=10)``; or runs that are there already.

    Parameters
    ----------
    *what
        Arms, name -> settings, and then X and y as for `run`, or settings such as ``"task=digits_mlp"``; settings
        alone, the task being a comparison; or runs and sweeps: what `run`, `sweep` and `load` returned, folders, or
        names as for `load`.
    config_dir, feature_names, progress
        As for `run`.
    **more
        Settings by keyword; those of the node comparison need no prefix: ``seeds=10``, ``folds=5``,
        ``metric="test.macro_f1"``. For runs: what ``mlexp compare --help`` lists, such as ``by="model.activation"``,
        ``metric="test.accuracy"`` or ``save="folder"``.

    Returns
    -------
    Comparison or Answer
        The folder of the comparison; for runs an `Answer`, or the folder that ``save`` names.

    Raises
    ------
    ConfigError, DataError
        Nothing ran; the runs cannot be compared.
    Interrupted
        The comparison was stopped; ``mlexp resume`` resumes it.
    ExpectationError
        As for `run`.
    """
    from mlexp import dispatch
    from mlexp.comparisons import study as studies

    if what and all(isinstance(one, View | Path) or _is_name(one) for one in what):
        return _compare_runs(what, **more)
    config_dir = config_folder(config_dir)
    if what and isinstance(what[0], Mapping):
        words = _of_arms(what[0], what[1:], more, feature_names, config_dir)
    else:
        words = [*checked(what), *typed(more, config_dir)]
    study = studies.plan(words, config_dir, command(words, config_dir))
    conditions = dispatch.conditions_of(study)
    outcome = dispatch.run_comparison(study, verbosity=notebook.verbosity(progress))
    return Comparison(_done(outcome, conditions))


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
        raise ConfigError("'target' does not apply to scores. What applies: test, alpha, margin.")
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


def load(name: str | Path, outputs: str | Path = "outputs") -> Run | Sweep | Comparison:
    """Open what was run: a folder, a task's newest run by the name of the task, or ``latest``.

    Raises
    ------
    DataError
        There is no such run.
    """
    opened = store.open(find(str(name), outputs))
    if isinstance(opened, store.Run):
        return Run(opened.path)
    return (Comparison if isinstance(opened, store.Comparison) else Sweep)(opened.path)


def ui(outputs: str | Path = "outputs", *, port: int | None = None, height: int = 720) -> Served:
    """Show the runs of a folder while they run, as ``mlexp ui`` does; in a notebook, below the cell.

    Parameters
    ----------
    outputs : folder of runs, default ``outputs``
    port : to listen at; default None: 8600, or the next that is free
    height : of the frame, in pixels

    Returns
    -------
    Served
        With `address`, for a page of its own, and `close()`. It serves from a thread of this process.

    Raises
    ------
    ConfigError
        There is no such folder, the port is taken, or a package of the extra `ui` is missing.
    """
    from mlexp.web.server import served

    return replace(served(Path(outputs), port=port, framed=True), height=height).start()


def _done(outcome: SweepOutcome, conditions: Sequence[Condition]) -> Path:
    from mlexp.report import expected

    error = outcome.error()
    if error is not None and outcome.status == "interrupted":
        raise error
    expected.hold(outcome.path, expected.checked(outcome.path, conditions))
    return outcome.path


def _compare_runs(
    what: Sequence[str | Path | View],
    *,
    by: str | Sequence[str] = (),
    best_of: str | None = None,
    save: str | Path | None = None,
    outputs: str | Path = "outputs",
    **settings: Any,
) -> Comparison | Answer:
    from mlexp.comparisons import past_runs

    paths = [one.path if isinstance(one, View) else find(str(one), outputs) for one in what]
    keys = by.split(",") if isinstance(by, str) else by
    folder = None if save is None else Path(save)
    command = ["mlexp", "compare", *map(str, paths)]
    done = past_runs.compare(
        paths, past_runs.asked(settings), by=keys, best_of=best_of, save=folder, command=command
    )
    if folder is not None:
        return Comparison(folder)
    return _answer(done)


def _answer(done: Analysis) -> Answer:
    import pandas as pd

    tables = {name: pd.DataFrame(table).replace("", float("nan")) for name, table in done.tables.items()}
    return Answer(done.info, {name: table.infer_objects() for name, table in tables.items()})


def _is_name(word: Any) -> bool:
    return isinstance(word, str) and not is_setting(word)


def _given(
    data: Sequence[Any],
    words: Sequence[Any],
    more: dict[str, Any],
    feature_names: Sequence[str] | None,
    config_dir: str | None,
) -> tuple[Given | None, list[str]]:
    """Return the data of a call, if there are any, and all its settings but the place of their copy."""
    test = own_test(more) if data else None
    typed_words = [*checked(words), *typed(more, config_dir)]
    if not data:
        return None, typed_words
    given = Given(data, feature_names, test, typed_words)
    return given, [*given.settings(), *typed_words]


def _with_data(given: Given, words: Sequence[str]) -> list[str]:
    return [*given.settings(), *words, *given.kept()]


def _of_arms(
    arms: Mapping[str, Any],
    rest: Sequence[Any],
    more: Mapping[str, Any],
    feature_names: Sequence[str] | None,
    config_dir: str | None,
) -> list[str]:
    """Return the settings of a comparison of arms that Python passed."""
    data, words, more = apart(rest, more)
    test = own_test(more) if data else None
    for name, values in arms.items():
        if not isinstance(values, Mapping):
            raise ConfigError(
                f"Arm '{name}' must be a mapping of settings, such as {{'hidden': [64]}}. Got {values!r}."
            )
    keywords = {of_comparison(name, value): value for name, value in more.items()}
    made = {str(name): flattened(values, config_dir) for name, values in arms.items()}
    settings = [*checked(words), *typed(keywords, config_dir)]
    own = as_settings({"task.kind": "comparison", "comparison.arms": plain(made, "comparison.arms")})
    settings = [*settings, *(one.text for one in own)]
    return _with_data(Given(data, feature_names, test, settings), settings) if data else settings
