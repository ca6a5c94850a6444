"""From the runs of a stage to what they say: how well each candidate explains all figures, and which remain.

The log-likelihood of a candidate is that of each run of the report (`stats.predictive`: Student t by figure, joined by
their correlations over seeds), added over these runs, which are independent. A candidate is *behind* the best by the
difference of these sums; its standard error se is the jackknife over seeds, the same seed left out of both. Two
candidates are distinguished where behind − t se > `APART`, t the 0.975 quantile of Student t with n − 1 degrees of
freedom: a likelihood ratio of 20 (Kass and Raftery 1995, doi:10.1080/01621459.1995.10476572, call it strong).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from mlexp.stats import predictive
from mlexp.why.case import APART
from mlexp.why.summaries import Summary

SURE = 0.975  # quantile of Student t in standard errors, by which it must exceed that
MOST_SEEDS = 1000  # that are planned for
Values = dict[int, np.ndarray]  # candidate -> (seeds, summaries), NaN where a run does not hold the number


@dataclass(frozen=True)
class Scored:
    """The candidates of a stage against the figures that it holds.

    Attributes
    ----------
    summaries : what was published, of all runs of the report
    values : candidate -> (n_seeds, n_summaries)
    of_rows : (n_summaries,) variance over other test rows
    """

    summaries: Sequence[Summary]
    values: Values
    of_rows: np.ndarray

    @cached_property
    def published(self) -> np.ndarray:
        """The published numbers, (n_summaries,)."""
        return np.array([one.value for one in self.summaries])

    @cached_property
    def more(self) -> np.ndarray:
        """Variance that is not between seeds, (n_summaries,)."""
        rounding = np.array([one.more for one in self.summaries])
        total: np.ndarray = rounding + self.of_rows
        return total

    @cached_property
    def prior(self) -> predictive.Prior:
        """What the variances of all candidates have in common."""
        return predictive.prior(list(self.values.values()))

    def predicted(self, of: np.ndarray, n_seeds: int | None = None) -> predictive.Predictive:
        """Return what some runs of a candidate predict."""
        return predictive.predicted(of, self.more, self.prior, n_seeds)

    @cached_property
    def raw(self) -> np.ndarray:
        """Log densities (n_candidates, n_summaries), NaN where a candidate predicts nothing."""
        return np.array(
            [predictive.log_density(self.predicted(of), self.published) for of in self.values.values()]
        )

    @cached_property
    def kept(self) -> np.ndarray:
        """Whether at least one candidate predicts a number, (n_summaries,)."""
        kept: np.ndarray = ~np.isnan(self.raw).all(axis=0)
        return kept

    @cached_property
    def groups(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each run of the report: its columns, and the correlations of its figures over seeds."""
        found = []
        for run in dict.fromkeys(one.run for one in self.summaries):
            own = np.array([one.run == run for one in self.summaries]) & self.kept
            if own.any():
                found.append((own, _correlation(self.values, own)))
        return found

    @cached_property
    def floor(self) -> np.ndarray:
        """The density where a candidate's runs do not hold a number: the worst of all, divided by 2 n + 2."""
        floor = np.zeros(len(self.published))
        floor[self.kept] = np.nanmin(self.raw[:, self.kept], axis=0)
        return floor - math.log(2 * max(map(len, self.values.values())) + 2)

    def densities(self, of: predictive.Predictive) -> np.ndarray:
        """Return the log density of each number where so much is predicted."""
        found = predictive.log_density(of, self.published)
        return np.where(np.isnan(found), self.floor, found)

    def total(self, runs: np.ndarray, n_seeds: int | None = None) -> float:
        """Return the log-likelihood of all figures under some runs of a candidate."""
        of = self.predicted(runs, n_seeds)
        total = float(self.densities(of)[self.kept].sum())
        for own, R in self.groups:
            part = predictive.Predictive(*(array[own] for array in of))
            total += predictive.log_copula(part, self.published[own], R)
        return total

    @cached_property
    def likelihoods(self) -> dict[int, float]:
        """Candidate -> log-likelihood of all figures, the best first."""
        found = {number: self.total(of) for number, of in self.values.items()}
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def best(self) -> int:
        """The candidate with the largest likelihood."""
        return next(iter(self.likelihoods))

    @cached_property
    def gaps(self) -> dict[int, Behind]:
        """Candidate -> by how much it is behind the best."""
        return {number: self._behind(number) for number in self.values}

    def _behind(self, number: int) -> Behind:
        best = self.best
        if number == best:
            return Behind(0.0, 0.0, len(self.values[best]))
        a, b = self.values[best], self.values[number]
        without = np.array(
            [self.total(np.delete(a, k, 0)) - self.total(np.delete(b, k, 0)) for k in range(len(a))]
        )
        error = predictive.jackknife_error(without)
        gap = self.likelihoods[best] - self.likelihoods[number]
        return Behind(gap, error, len(a))

    def seeds_needed(self, number: int) -> int | None:
        """Return the seeds at which a candidate would be distinguished from the best; None: with no number of them.

        Mean and variance are taken to stay as they are.
        """
        behind = self.gaps[number]
        if behind.apart:
            return behind.of
        if number == self.best:
            return None
        a, b = self.values[self.best], self.values[number]
        for seeds in np.unique(np.geomspace(behind.of, MOST_SEEDS, 60).round().astype(int)):
            more = self.total(a, int(seeds)) - self.total(b, int(seeds))
            if Behind(more, behind.error * math.sqrt(behind.of / seeds), int(seeds)).apart:
                return int(seeds)
        return None

    def outside(self, number: int) -> list[int]:
        """Return the places of the figures outside the 95 % prediction interval of a candidate, or not held."""
        low, high = predictive.interval(self.predicted(self.values[number]))
        inside = (self.published >= low) & (self.published <= high)
        return [int(place) for place in np.flatnonzero(~inside & self.kept)]


@dataclass(frozen=True)
class Behind:
    """How far a candidate is behind the best.

    Attributes
    ----------
    gap : difference of log-likelihoods
    error : its standard error over seeds
    of : seeds that this rests on
    """

    gap: float
    error: float
    of: int

    @property
    def half(self) -> float:
        """Half the width of the 95 % interval of the gap."""
        return float(stats.t.ppf(SURE, self.of - 1)) * self.error

    @property
    def apart(self) -> bool:
        """Whether the two are distinguished."""
        return self.gap - self.half > APART


def _correlation(values: Values, own: np.ndarray) -> np.ndarray:
    """Return the correlations of the figures of a run over seeds, from the residuals of all candidates together."""
    residuals, degrees = [np.empty((0, int(own.sum())))], 0
    for of in values.values():
        block = of[:, own]
        block = block[~np.isnan(block).any(axis=1)]
        if len(block) < predictive.LEAST:
            continue
        spread = block.std(axis=0, ddof=1)
        residuals.append((block - block.mean(axis=0)) / np.where(spread > 0, spread, np.inf))
        degrees += len(block) - 1
    return predictive.correlation(np.concatenate(residuals), degrees)


def survivors(scored: Scored, most: int) -> list[int]:
    """Return the candidates that stay: those not distinguishable from the best, and of these the `most` likeliest."""
    return sorted([number for number in scored.likelihoods if not scored.gaps[number].apart][:most])


@dataclass(frozen=True)
class Effect:
    """What is known of one value of an unstated setting.

    Attributes
    ----------
    setting, label : the value
    candidate : the best one that has it
    stage : place of the last stage in which one ran
    behind : how far that candidate was behind the best of that stage
    """

    setting: str
    label: str
    candidate: int
    stage: int
    behind: Behind


def effects(stages: Sequence[Scored], candidates: Sequence[Mapping[str, str]]) -> list[Effect]:
    """Return each value of each setting at its best: in the last stage that a candidate with it reached.

    That is the likeliest one that is not distinguishable from the best, or else the one that is the least certain
    to be.
    """
    found = []
    for setting in candidates[0]:
        for label in dict.fromkeys(candidate[setting] for candidate in candidates):
            for place in reversed(range(len(stages))):
                having = [n for n in stages[place].likelihoods if candidates[n][setting] == label]
                if having:
                    found.append(Effect(setting, label, *_nearest(stages[place], having, place)))
                    break
    return found


def _nearest(stage: Scored, having: Sequence[int], place: int) -> tuple[int, int, Behind]:
    least = min(having, key=lambda n: stage.gaps[n].gap - stage.gaps[n].half)
    n = next((n for n in having if not stage.gaps[n].apart), least)
    return n, place, stage.gaps[n]
