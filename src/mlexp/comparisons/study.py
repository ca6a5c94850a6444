"""A comparison before it runs: its arms, and the jobs of every arm."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlexp import models, stats
from mlexp.comparisons import datasets, looks, tune_once
from mlexp.comparisons.evidence.metric import PartMetric, default
from mlexp.config import recorded, schema, trust
from mlexp.config.combinations import Combination
from mlexp.config.compose import compose_each
from mlexp.config.names import GROUPS, OVER_DATASETS
from mlexp.config.overrides import as_settings, parsed
from mlexp.config.rules import as_typed
from mlexp.config.schema import Config
from mlexp.config.yamltext import leaves
from mlexp.errors import ConfigError
from mlexp.kinds import KINDS
from mlexp.kinds.comparison.settings import Comparison
from mlexp.sweeps import planning
from mlexp.sweeps.planning import Plan

SEEDS = 10
DRAWN_BY = ("split.test", "split.near", "split.stratify", "split.seed")
NOT_OF_AN_ARM = ("comparison", "task", "seed", "size")


@dataclass(frozen=True)
class ComparisonStudy:
    """What is compared.

    Attributes
    ----------
    settings : the node `comparison`
    metric : what is compared
    arms : name -> key -> value as typed
    plan : the jobs of all arms
    searches : arm -> the search that chooses its settings first; none where arms are not tuned
    """

    settings: Comparison
    metric: PartMetric
    arms: dict[str, dict[str, str]]
    plan: Plan
    searches: dict[str, Config] = field(default_factory=dict)


def plan(
    arguments: Sequence[str], config_dir: str | None = None, command: Sequence[str] = ()
) -> ComparisonStudy:
    """Plan the comparison of ``mlexp *arguments``.

    Raises
    ------
    ConfigError
        If there are no two arms, an arm is impossible, or a key is set twice: typed, by an arm, by a data set.
    """
    base = compose_each(arguments, {"comparison": ()}, config_dir)["comparison"]
    node = base.of(Comparison)
    arms = arms_of(node)
    looks.refuse_unfit(node, arguments)
    refuse_twice_set(arguments, arms, node)
    refuse_two_tests(arguments, arms, node)
    data = datasets.datasets_of(node, config_dir)
    datasets.refuse_clashes(arguments, data, arms)
    sets = {
        (f"{arm} on {name}" if name else arm): (arm, name, [*chosen, *as_settings(values)])
        for name, chosen in (data or {"": []}).items()
        for arm, values in arms.items()
    }
    composed = compose_each(arguments, {title: words for title, (_, _, words) in sets.items()}, config_dir)
    configs: dict[str, dict[str, Config]] = {name: {} for name in data or [""]}
    for title, (arm, name, _) in sets.items():
        configs[name][arm] = composed[title]
    if data:
        datasets.refuse_unlike({name: next(iter(of.values())) for name, of in configs.items()}, node.of)
        datasets.refuse_unsuited(node)
    kind = kind_of(composed, node.of)
    refuse_numbers(composed, kind)
    metric = PartMetric.parse(node.metric or default(kind), kind)
    jobs: list[Combination] = []
    each = tune_once.how(node) == "each"
    for name, of_arms in configs.items():
        runs = {arm: repeated(single(config, kind), node) for arm, config in of_arms.items()}
        refuse_same(of_arms)
        refuse_apart({arm: found[0][1] for arm, found in runs.items()}, metric)
        refuse_impossible(node, metric, runs, len(data))
        own = {"dataset": name} if name else {}
        jobs += [
            Combination({"arm": arm} | own | swept, config if each else tune_once.without_search(config))
            for arm, found in runs.items()
            for swept, config in found
        ]
    words = {name: {one.key: one.value or "" for one in as_settings(values)} for name, values in arms.items()}
    singles = {arm: single(config, kind) for arm, config in next(iter(configs.values())).items()}
    searches = tune_once.searches(singles, node, arguments, metric)
    return ComparisonStudy(node, metric, words, planning.planned(jobs, command=command), searches)


def arms_of(node: Comparison) -> dict[str, dict[str, Any]]:
    """Return the settings of every arm: those listed, or one arm for each combination of the grid."""
    if bool(node.arms) == bool(node.grid):
        found = "both" if node.arms else "neither"
        raise ConfigError(
            "A comparison needs comparison.arms (name -> settings) or comparison.grid (key -> values), and not both. "
            f"Got {found}. Example: comparison.arms={{relu: {{model.activation: relu}}, tanh: "
            "{model.activation: tanh}}."
        )
    arms = {str(name): values for name, values in node.arms.items() if values is not None} or _crossed(
        node.grid
    )
    for name, values in arms.items():
        if not isinstance(values, Mapping) or not values:
            raise ConfigError(f"comparison.arms.{name} must be a mapping of keys to values. Got {values!r}.")
        trust.check_set(f"comparison.arms.{name}", as_settings(values), NOT_OF_AN_ARM)
    arms = dict(itertools.islice(arms.items(), node.first))
    if len(arms) < 2:
        raise ConfigError(f"A comparison needs at least two arms. Got {', '.join(arms) or 'none'}.")
    return arms


def _crossed(grid: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    axes = []
    for word, values in leaves(grid):
        if not isinstance(values, list) or not values:
            raise ConfigError(f"comparison.grid.{word} must be a list of values. Got {values!r}.")
        axes.append([(word, value) for value in values])
    return {
        " ".join(named(key, value) for key, value in pairs): dict(pairs) for pairs in itertools.product(*axes)
    }


def named(key: str, value: Any) -> str:
    """Return how an arm is called by one of its settings: a word speaks for itself, a number does not."""
    short = key.rpartition(".")[2].replace("_", " ")
    if isinstance(value, list):
        return f"{short} {'-'.join(map(str, value))}"
    return value if isinstance(value, str) else f"{short} {as_typed(value)}"


def refuse_twice_set(
    arguments: Sequence[str], arms: Mapping[str, Mapping[str, Any]], node: Comparison
) -> None:
    """Refuse a key that an arm sets and the command line sets too: one of them would win unseen."""
    typed = sorted({one.key for one in parsed(arguments)})
    for name, values in arms.items():
        for key, word in itertools.product((one.key for one in as_settings(values)), typed):
            if key == word or _within(key, word) or _within(word, key):
                cure = (
                    f"arm: comparison.arms.{name}={{...}}"
                    if node.arms
                    else f"grid: comparison.grid.{key}=[...]"
                )
                raise ConfigError(
                    f"{word} is typed, and the arm '{name}' of this comparison sets {key}. Take it from the command "
                    f"line, or change the {cure}."
                )


def _within(key: str, other: str) -> bool:
    """Return whether `key` is part of what `other` sets; a choice of a group only says where its keys begin."""
    return key.startswith(f"{other}.") and other not in GROUPS


def refuse_same(configs: Mapping[str, Config]) -> None:
    """Refuse two arms that are the same settings under two names."""
    seen: dict[str, str] = {}
    for name, config in configs.items():
        code = recorded.config_hash(config)
        if code in seen:
            raise ConfigError(f"The arms '{seen[code]}' and '{name}' are the same settings. Leave one out.")
        seen[code] = name


def refuse_two_tests(
    arguments: Sequence[str], arms: Mapping[str, Mapping[str, Any]], node: Comparison
) -> None:
    """Refuse a test part beside folds, each of which is one."""
    words = [*parsed(arguments), *(one for values in arms.values() for one in as_settings(values))]
    if node.folds and (typed := [one.text for one in words if one.key == "split.test"]):
        raise ConfigError(
            f"{typed[0]} and comparison.folds={node.folds} both define the test set. Leave one of them "
            "out (comparison.folds=null for no folds)."
        )


def refuse_apart(configs: Mapping[str, Config], metric: PartMetric) -> None:
    """Refuse arms that are evaluated on different rows, or on none."""
    first, *others = configs
    for name, config in configs.items():
        split = config.split
        empty = {"test": split.test == 0 or not split.judge, "validation": split.validation == 0}
        if empty.get(metric.part):
            cure = "split.test=0.2 and split.judge=true" if metric.part == "test" else "split.validation=0.1"
            raise ConfigError(
                f"comparison.metric={metric} needs a {metric.part} set, and the arm '{name}' has none. Set {cure}."
            )
    for name in others:
        one, other = (_evaluated_on(configs[arm], metric.part) for arm in (first, name))
        if apart := [key for key in one if one[key] != other[key]]:
            raise ConfigError(
                f"The arms '{first}' and '{name}' would be evaluated on different samples: {apart[0]} is "
                f"{one[apart[0]]} and {other[apart[0]]}. Give all arms one dataset, split.seed and split.test."
            )


def refuse_impossible(
    node: Comparison,
    metric: PartMetric,
    runs: Mapping[str, Sequence[tuple[dict[str, str], Config]]],
    n_datasets: int = 0,
) -> None:
    """Refuse a chosen test that could not be computed from these runs, before any of them has run.

    Of several data sets, `runs` are those on one of them; a test of data sets is computed over all.
    """
    if node.test == "auto" or (n_datasets > 1 and node.test in OVER_DATASETS):
        return
    n_splits = node.repeats * (node.folds or 1)
    one_block = n_splits == node.draws == 1
    design = stats.Design(
        seeds=min(map(len, runs.values())),
        rows_kept=one_block and (metric.of_row is not None or metric.row.row_scores is not None),
        same_rows=one_block,
        right_or_wrong=metric.name == "accuracy" and metric.of_row is not None,
        splits=n_splits if node.draws == 1 else 1,
        halves=(node.repeats, node.folds) == (5, 2),
        datasets=node.draws,
        generated=node.draws > 1,
        arms=len(runs),
    )
    if not stats.computable(node.test, design):
        raise ConfigError(f"comparison.test: {stats.misfit(node.test, design)} Or leave it out.")


def _evaluated_on(config: Config, part: str) -> dict[str, Any]:
    """Return the keys that say which rows make up a part; one file may lie at two places."""
    drawn = {"all": (), "test": DRAWN_BY}.get(part, (*DRAWN_BY, "split.validation"))
    return {
        key: value
        for key, value in schema.flat(config).items()
        if key in drawn or (key.startswith("dataset.") and not key.endswith("path"))
    }


def kind_of(configs: Mapping[str, Config], wanted: str | None) -> str:
    """Return the kind of study that all arms run."""
    if wanted is not None:
        return wanted
    found = {_suited(config) for config in configs.values()}
    if len(found) > 1:
        raise ConfigError(
            f"The models of these arms serve several kinds of study: {', '.join(sorted(found))}. Name one with "
            "comparison.of."
        )
    return found.pop()


def refuse_numbers(configs: Mapping[str, Config], kind: str) -> None:
    """Refuse to classify numbers, and name the way to compare models of them."""
    if kind == "classification" and (
        arm := next((arm for arm, one in configs.items() if one.dataset.target == "numbers"), None)
    ):
        raise ConfigError(
            f"The arm '{arm}' classifies, and dataset.target=numbers leaves no classes. Compare regressors: "
            "task=which_regressor, or comparison.of=regression with models for it."
        )


def _suited(config: Config) -> str:
    if config.dataset.target == "numbers":
        return "regression"
    kinds = [name for name, kind in KINDS.items() if kind.compares and name != "regression"]
    return next(
        (kind for kind in kinds if config.model.name in models.MODELS.get(kind, {})), "classification"
    )


def single(config: Config, kind: str) -> Config:
    """Return the configuration of one run of an arm: it knows nothing of the comparison."""
    changes: dict[str, Any] = {"task": replace(config.task, kind=kind), "comparison": Comparison()}
    return replace(config, **changes)


def seeds_of(node: Comparison, first: int) -> list[int]:
    """Return the seeds of an arm; a number of them counts on from the key `seed`."""
    if isinstance(node.seeds, list):
        if len(set(node.seeds)) < max(len(node.seeds), 1):
            raise ConfigError(f"comparison.seeds must name different seeds, at least one. Got {node.seeds}.")
        return list(node.seeds)
    if planned := looks.schedule(node, 2):
        return [first + k for k in range(planned.runs[0])]
    varies = node.folds or node.repeats > 1 or node.draws > 1
    count = (1 if varies else SEEDS) if node.seeds == "auto" else int(node.seeds)
    return [first + k for k in range(count)]


def repeated(config: Config, node: Comparison) -> list[tuple[dict[str, str], Config]]:
    """Return the runs of an arm: every sample of the data, split, fold and seed."""
    if node.repeats > 1 and not node.folds and config.split.test == "auto":
        raise ConfigError(
            "comparison.repeats splits the samples again each time, so the test set must be a share of them: set "
            "split.test=0.2, or comparison.folds=5."
        )
    if node.draws > 1 and config.dataset.reader != "synthetic":
        raise ConfigError(
            f"comparison.draws needs a generator (dataset=moons, circles, blobs, spirals). Got "
            f"dataset={config.dataset.name}: use comparison.repeats or comparison.folds."
        )
    found = []
    folds: Sequence[int | None] = range(1, node.folds + 1) if node.folds else [None]
    for draw, repeat, fold in itertools.product(range(node.draws), range(node.repeats), folds):
        dataset = replace(config.dataset, seed=config.dataset.seed + draw)
        split = replace(config.split, seed=config.split.seed + repeat)
        split = split if fold is None else replace(split, test=f"{fold}/{node.folds}")
        swept = {"dataset.seed": str(dataset.seed)} if node.draws > 1 else {}
        swept |= {"split.seed": str(split.seed)} if node.repeats > 1 else {}
        swept |= {"split.test": str(split.test)} if fold is not None else {}
        for seed in seeds_of(node, config.seed):
            one = replace(config, seed=seed, dataset=dataset, split=split)
            found.append((swept | {"seed": str(seed)}, one))
    return found
