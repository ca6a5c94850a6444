"""One search, in order: check, try, select, record, train the selected setting, test it once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mlexp.config import checks, recorded
from mlexp.config.schema import Config
from mlexp.config.search import Tune
from mlexp.data.dataset import Dataset
from mlexp.data.split import split
from mlexp.errors import ConfigError, Interrupted, SweepError, did_you_mean
from mlexp.execution import Work
from mlexp.kinds import KINDS, check
from mlexp.kinds.observer import RunPlan
from mlexp.kinds.sets import described, sizes
from mlexp.metrics import metrics_of
from mlexp.page.scores import score
from mlexp.runs.session import Session
from mlexp.runs.stopping import how_to_resume
from mlexp.runs.terminal import QUIET
from mlexp.store import identity
from mlexp.store.files import write_json, write_table
from mlexp.store.result import Columns, Result
from mlexp.sweeps.rounds import Rounds
from mlexp.tuning import space as spaces
from mlexp.tuning.bayes import bayes, check_journal, optuna_imported
from mlexp.tuning.choice import TIE_RULE, edges, overtaken, ranked, tied
from mlexp.tuning.importance import importance
from mlexp.tuning.selection_bias import in_words, selection_bias
from mlexp.tuning.space import Setting, Space
from mlexp.tuning.strategies import Search, all_at_once, budget, halving, resource, settings
from mlexp.tuning.trials import FOLDER, Trial, Trials, rows_of

STRATEGIES: dict[str, Search] = {
    "grid": all_at_once,
    "random": all_at_once,
    "halving": halving,
    "bayes": bayes,
}
CHECKED = 50  # settings of a space with ranges that are looked at before anything runs
TOO_FAR = 3.0  # standard errors


def search(config: Config, dataset: Dataset, session: Session, *, worker: str | Work) -> Result:
    """Search the space of `config.tune` and return the result of the selected setting.

    The trials lie in ``trials/`` of the run folder, a sweep like any other, and never use the test set. An
    interrupted search gives the same result when it is resumed in its folder; finished trials are not run again.
    `worker` runs the trials, as for `mlexp.sweeps.conductor.run`.

    Raises
    ------
    ConfigError
        The space, the metric or the strategy is not valid; nothing was created.
    Interrupted
        The search was asked to stop.
    SweepError
        No trial has a score.
    """
    space, metric = checked(config)
    check_journal(config)
    session.started(_plan(space, metric, dataset))
    assert session.folder is not None
    place = session.folder.path
    with Rounds(
        place / FOLDER,
        config,
        session.stop,
        worker=worker,
        command=session.command,
        dataset=dataset,
        verbosity=session.terminal.verbosity,
    ) as rounds:
        try:
            trials = STRATEGIES[str(config.tune.strategy)](space, Trials(space, metric, rounds))
        except Interrupted as stopped:
            raise Interrupted(f"{stopped} {how_to_resume(place)}") from None
    found = SearchResult(space, metric, trials)
    if not found.ranked:
        others = "Other searches that share tune.journal are running them."
        first = f"The first: {trials[0].problem}" if trials else others
        raise SweepError(f"None of the {len(trials)} trials has a score. {first}")
    write_table(place / "tuning.csv", rows_of(trials, space, metric))
    # What is kept as the configuration is that of the model that will lie here; run again, it repeats the search.
    chosen = replace(space.configured(found.best.setting), tune=config.tune)
    asked, now = session.info["settings"], identity.settings(chosen)
    session.info["chosen"] = {key: value for key, value in now.items() if value != asked.get(key)}
    session.folder.write_info(session.info)  # first: `config.yaml` is held against it
    session.folder.write_config(recorded.as_yaml(chosen))
    report = found.report(session)
    write_json(place / "tuning.json", report)
    _say(session, report)
    result: Result = KINDS[config.task.kind].study.study(found.winner(), dataset, _Refit(session))
    return replace(
        result,
        tables=result.tables | found.tables(),
        facts=result.facts | {"tuning": found.facts()},
        warnings=[*result.warnings, *found.warnings(), *_fell(result, report, metric)],
    )


def checked(config: Config) -> tuple[Space, str]:
    """Return the space and the metric of a search after all checks that are possible in advance.

    Raises
    ------
    ConfigError
        If a check fails.
    """
    tune, kind = config.tune, config.task.kind
    if not KINDS[kind].searches:
        tuned = ", ".join(name for name, one in KINDS.items() if one.searches)
        raise ConfigError(
            f"tune={tune.strategy} selects by the score on a validation set, which a task of kind {kind} does not "
            f"have. Kinds that can be tuned: {tuned}. Set tune=none."
        )
    metric = tune.metric or metrics_of(kind)[0]
    if metric not in metrics_of(kind):
        raise ConfigError(
            f"tune.metric must be one of {', '.join(metrics_of(kind))} for a task of kind {kind}. Got {metric!r}."
            f"{did_you_mean(metric, metrics_of(kind))}"
        )
    if config.split.validation == 0 and tune.folds is None:
        raise ConfigError(
            "split.validation=0 leaves no validation set for the selection. Set split.validation=0.1, or tune.folds=3."
        )
    space = spaces.of(config)
    if tune.strategy == "bayes":
        optuna_imported()
    if tune.strategy == "halving":
        key, _ = resource(config)
        if key in space.keys:
            raise ConfigError(
                f"tune=halving varies {key} itself: remove it from tune.space, or set tune=grid."
            )
    rng = np.random.default_rng(config.seed)
    draws = space.draws(rng)
    tried = settings(space) if tune.strategy != "bayes" else [next(draws) for _ in range(CHECKED)]
    _check_settings(space, tried)
    return space, metric


def planned(config: Config) -> str:
    """Describe what a search tries and by which metric it selects, after the checks."""
    return _in_short(*checked(config))


def _check_settings(space: Space, tried: Sequence[Setting]) -> None:
    """Compose every setting, and have the models hold their parameters against their own rules."""
    seen = set()
    for setting in tried:
        try:
            own = space.configured(setting)
            _check_keys(own, setting)
            asked = repr((own.model.name, own.model.params))
            if asked not in seen:
                seen.add(asked)
                check(own)
        except ConfigError as error:
            raise ConfigError(f"tune.space, at {spaces.words(setting)}: {error}") from error


def _check_keys(config: Config, setting: Setting) -> None:
    """Refuse keys of a setting that its model does not use: all values of such a key would be one setting."""
    strange = [key for key in setting if checks.idle(config, key)]
    if not strange:
        return
    using = f" with model.optimizer={config.model.optimizer}" if strange == ["model.decay"] else ""
    raise ConfigError(
        f"model={config.model.name}{using} has no {', '.join(strange)}. Leave them out (tune.space.{strange[0]}=null, "
        "or all with tune.space.model=null), name keys that it has, or give them a condition (when: {model.name: ...})."
    )


@dataclass(frozen=True)
class SearchResult:
    """The result of a search: its trials, and what follows from them."""

    space: Space
    metric: str
    trials: list[Trial]

    @property
    def ranked(self) -> list[Trial]:
        """Trials with a score, the selected one first."""
        return ranked(self.trials, self.metric)

    @property
    def best(self) -> Trial:
        """The selected trial."""
        return self.ranked[0]

    def winner(self) -> Config:
        """Return the configuration for training the selected setting."""
        config, best = self.space.config, self.best
        more: dict[str, Any] = {}
        if config.tune.refit == "all":
            more["split.validation"] = 0
            more["model.patience"] = None
            if best.best_epochs:
                more["model.epochs"] = _epochs_found(config, best)
            if config.model.schedule == "cosine" and config.model.schedule_options.epochs is None:
                more["model.schedule_options.epochs"] = config.tune.epochs or config.model.epochs
        return replace(self.space.configured(best.setting, more), tune=Tune())

    def facts(self) -> dict[str, Any]:
        """Return the entry of the record about the search; details are in tuning.json."""
        trained = [trial.epochs for trial in self.trials if trial.epochs is not None]
        return {
            "strategy": self.space.config.tune.strategy,
            "metric": self.metric,
            "n_trials": len(self.trials),
            "epochs_trained": sum(trained) if trained else None,
            "chosen": self.best.setting,
            "score": self.best.score,
        }

    def report(self, session: Session) -> dict[str, Any]:
        """Return the content of `tuning.json`."""
        assert session.folder is not None
        tune, best = self.space.config.tune, self.best
        bias = selection_bias(session.folder.path, self.ranked, self.metric)
        n_tied = tied(best, self.trials)
        return self.facts() | {
            "chosen": {"number": best.number, "values": best.setting, "score": best.score},
            "space": {
                axis.key: list(axis.values) or {"low": axis.low, "high": axis.high, "log": axis.log}
                for axis in self.space.axes
            },
            "folds": tune.folds,
            "refit": tune.refit,
            "tie_rule": TIE_RULE,
            "n_tied": n_tied,
            "inflation": bias,
            "best": [trial.number for trial in self.ranked[:5]],
            "edges": [asdict(edge) for edge in edges(self.space, self.best)],
            "sentences": [
                self._headline(),
                *([f"{n_tied} settings share that score; tie broken by: {TIE_RULE}."] if n_tied > 1 else []),
                in_words(bias, self.metric, len(self.ranked), folds=bool(tune.folds)),
                *self.warnings(),
            ],
        }

    def tables(self) -> dict[str, Columns]:
        """Return the tables for the record."""
        halved = self.space.config.tune.strategy == "halving"
        equal = [replace(one, score=one.first_score) if halved else one for one in self.trials]
        scored = [one for one in equal if math.isfinite(one.score) and one.status != "pruned"]
        shares = importance(self.space, scored, self.metric)
        return {"key_importance": shares} if shares else {}

    def warnings(self) -> list[str]:
        """Return the summary of the search, in a sentence."""
        at_the_edge = [edge.words for edge in edges(self.space, self.best)]
        return [*at_the_edge, *overtaken(self.space.config, self.trials)]

    def _headline(self) -> str:
        best, tune = self.best, self.space.config.tune
        where = f"mean of {tune.folds} folds" if tune.folds else "validation set"
        return (
            f"{tune.strategy} search over {len(self.trials)} settings selected {spaces.words(best.setting)}: "
            f"{self.metric} {score(self.metric, best.score)} ({where})."
        )


def _epochs_found(config: Config, best: Trial) -> int:
    """Return the number of epochs for training without a validation set: the median of the best epochs of the folds.

    If the last weights are kept instead of the best ones, it is the mean of the epochs trained.
    """
    if config.model.restore_best:
        return max(1, round(float(np.median(best.best_epochs))))
    return max(1, round(best.epochs / len(best.best_epochs))) if best.epochs else config.model.epochs


def _plan(space: Space, metric: str, dataset: Dataset) -> RunPlan:
    config = space.config
    node = asdict(config.split) | {"judge": True}
    parts = split(dataset, **node)
    folds = config.tune.folds
    if folds:
        try:
            split(dataset, **(node | {"validation": f"{folds}/{folds}"}))  # the last fold has the fewest rows
        except ConfigError as error:
            raise ConfigError(f"tune.folds={folds} makes empty folds: {error}") from error
    return RunPlan(dataset=described(dataset), split=sizes(parts), notes=[_in_short(space, metric)])


def _in_short(space: Space, metric: str) -> str:
    tune = space.config.tune
    how = f"{tune.folds} folds of each" if tune.folds else "validation set"
    return f"tune={tune.strategy}: {budget(space)} settings of {', '.join(space.keys)}; {metric}, {how}"


def _say(session: Session, report: Mapping[str, Any]) -> None:
    if session.terminal.verbosity <= QUIET:
        return
    for sentence in report["sentences"][:3]:
        session.terminal.console.print(sentence, markup=False)


def _fell(result: Result, report: Mapping[str, Any], metric: str) -> list[str]:
    """Return a warning if the test score is lower than selection bias can explain."""
    expected = report["inflation"].get("expected")
    test = result.metrics.get("test", {}).get(metric)
    if metric != "accuracy" or expected is None or test is None:
        return []
    n_test = len(result.predictions["test_true"])
    error = math.sqrt(test * (1 - test) / n_test + (report["inflation"]["standard_error"] or 0) ** 2)
    if expected - test <= TOO_FAR * error:
        return []
    return [
        f"The test accuracy {score(metric, test)} is below the {score(metric, expected)} expected from the validation "
        "set by more than chance allows: the test set differs from the validation set."
    ]


class _Refit:
    """The observer of the final training, in the folder of the search."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.epoch: Callable[..., None] = session.epoch
        self.diagnosis = session.diagnosis
        self.stop_requested = session.stop_requested
        self.checkpoint = session.checkpoint
        self.checkpointed = session.checkpointed

    def started(self, plan: RunPlan) -> None:
        """Add to the record what is trained now."""
        session = self.session
        assert session.folder is not None
        session.info |= {"preparation": plan.preparation, "refit_split": plan.split}
        session.folder.write_info(session.info)
        session.folder.log("training the selected setting")
        session.terminal.begin(f"{session.config.task.name}, selected setting", plan)
