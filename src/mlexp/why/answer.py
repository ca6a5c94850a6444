"""What a case found: sentences, tables and `why.json`, from the run folders alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp import store
from mlexp.drawing.wanted import wanted
from mlexp.errors import DataError
from mlexp.page import render
from mlexp.page.words import listed, number
from mlexp.runs.terminal import QUIET, new_console
from mlexp.stats import predictive
from mlexp.store import Why
from mlexp.store.files import write_json, write_table
from mlexp.store.result import Columns, by_column
from mlexp.store.sweep_folder import job_name
from mlexp.why import figures as drawn
from mlexp.why import page
from mlexp.why.analysis import Behind, Effect, Scored, effects
from mlexp.why.case import called

if TYPE_CHECKING:
    from mlexp.why.study import Stages

MOST_SHOWN = 4  # candidates in figures and in the table of figures
SAME = 0.05  # difference of log-likelihoods below which two values give the same runs, but for rounding
MOST_NAMED = 6  # figures that a sentence names


@dataclass(frozen=True)
class CaseFindings:
    """What the stages of a case say.

    Attributes
    ----------
    rounds : the case, its candidates and stages
    stages : of each, the candidates that it ran
    """

    rounds: Stages
    stages: Sequence[Scored]

    @property
    def last(self) -> Scored:
        """The candidates at full length."""
        return self.stages[-1]

    @property
    def shown(self) -> list[int]:
        """The likeliest candidates, drawn in figures."""
        return list(self.last.likelihoods)[:MOST_SHOWN]

    @property
    def alike(self) -> list[int]:
        """The candidates that are not distinguishable from the best, the best first."""
        return [number for number in self.last.likelihoods if not self.last.gaps[number].apart]

    def named(self, number: int) -> str:
        """Return a candidate in words; settings with one value say nothing."""
        values = self.rounds.case.candidates[number]
        return ", ".join(
            f"{called(name)} {label}"
            for name, label in values.items()
            if len(self.rounds.case.unstated[name]) > 1
        )

    def unexplained(self) -> list[int]:
        """Return the places of the figures that no candidate explains which is not distinguishable from the best."""
        outside = [set(self.last.outside(number)) for number in self.alike]
        return sorted(set.intersection(*outside))


def write(why: Why, found: CaseFindings, *, figures: bool) -> dict[str, Any]:
    """Say what the runs of a folder explain, write it there and draw it; return the content of `why.json`."""
    if not found.last.kept.any():
        raise DataError("No candidate has two runs that hold a published figure: see problem in summary.csv.")
    asked = {name: why.question[name] for name in ("name", "case", "candidates")}
    info = {
        **asked,
        "status": "completed",
        "question": question(found),
        "answer": sentences(found),
        "warnings": warnings(found),
        "shown": found.shown,
    }
    for name, columns in tables(found, why).items():
        write_table(why.path / "tables" / f"{name}.csv", columns)
    write_json(why.path / store.WHY, info)
    if figures:
        fresh = Why.open(why.path)
        drawn.draw(fresh, wanted(why.path))
        render.write(why.path, page.page(fresh))
    return info


def show(info: Mapping[str, Any], folder: str, *, verbosity: int) -> None:
    """Print the answer and its warnings; only the folder when quiet."""
    console = new_console()
    for place, sentence in enumerate(info["answer"] if verbosity != QUIET else ()):
        console.print(sentence, markup=False, style="bold" if place == 0 else None)
    for sentence in info["warnings"] if verbosity != QUIET else ():
        console.print(f"warning: {sentence}", markup=False, style="yellow")
    console.print(folder, markup=False)


def question(found: CaseFindings) -> str:
    """Return what was asked."""
    settings = [called(name) for name, values in found.rounds.case.unstated.items() if len(values) > 1]
    return f"Which {listed(settings)} explain the published figures of {found.rounds.case.name}?"


def sentences(found: CaseFindings) -> list[str]:
    """Return what was found, the most important first."""
    last, best = found.last, found.last.best
    n_figures, missed = int(last.kept.sum()), len(last.outside(best))
    among = f"of {len(found.rounds.case.candidates)} candidates"
    fit = f"{n_figures - missed} of {n_figures} published numbers lie in its 95 % prediction intervals"
    said = [f"Best {among}: {found.named(best)}; {fit}."]
    if len(found.alike) > 1:
        rest = [found.named(number) for number in found.alike[1:]]
        more = f"; {len(rest) - MOST_SHOWN} more" if len(rest) > MOST_SHOWN else ""
        seeds = len(last.values[best])
        said.append(f"Not distinguishable from it at {seeds} seeds: {'; '.join(rest[:MOST_SHOWN])}{more}.")
    grouped = groupby(effects(found.stages, found.rounds.case.candidates), key=lambda one: one.setting)
    said += [sentence for name, values in grouped for sentence in _of_setting(found, name, list(values))]
    return [*said, *_unexplained(found)]


def _of_setting(found: CaseFindings, name: str, values: Sequence[Effect]) -> Iterator[str]:
    """Say which values of a setting explain the figures, and which do not."""
    if len(values) < 2:
        return
    first = next(one for one in values if one.stage == len(found.stages) - 1 and one.behind.gap == 0)
    others = [one for one in values if one is not first]
    open_ = [one for one in others if not one.behind.apart]
    ruled_out = [
        f"{one.label} is {_behind(one.behind)} behind{_when(found, one)}"
        for one in others
        if one.behind.apart
    ]
    if not open_:
        yield f"{called(name)}: {first.label} explains the figures best; {listed(ruled_out)}."
        return
    said = [
        f"{one.label} is {_behind(one.behind)} behind{_when(found, one)}, {_seeds(found, one)}"
        for one in open_
    ]
    rest = f" Ruled out: {listed(ruled_out)}." if ruled_out else ""
    yield f"{called(name)}: {first.label} is ahead but not distinguishable: {'; '.join(said)}.{rest}"


def _behind(behind: Behind) -> str:
    return f"{behind.gap:.1f} ± {behind.half:.1f}"


def _when(found: CaseFindings, one: Effect) -> str:
    """Say in which stage a value was dropped."""
    return "" if one.stage == len(found.stages) - 1 else f" in the {found.rounds.stages[one.stage]}"


def _seeds(found: CaseFindings, one: Effect) -> str:
    if max(one.behind.gap, one.behind.half) < SAME:
        return "the figures are the same with both"
    seeds = found.stages[one.stage].seeds_needed(one.candidate)
    if seeds is None:
        return "which more seeds will not settle"
    return f"about {seeds:,} seeds would settle it"


def _unexplained(found: CaseFindings) -> Iterator[str]:
    last, missed = found.last, found.unexplained()
    if not missed:
        yield "No published number stays unexplained by every candidate that is not distinguishable from the best."
        return
    values = last.values[last.best]
    low, high = predictive.interval(last.predicted(values))
    named = []
    for place in missed:
        one = last.summaries[place]
        ends = [number(one.shown(float(end))) for end in (low[place], high[place])]
        span = (
            f"predicted {ends[0]} to {ends[1]}"
            if np.isfinite(low[place])
            else "no run of the best candidate holds it"
        )
        named.append(f"{_where(found, one.run)}{one.quantity} {number(one.shown(one.value))} ({span})")
    more = [f"{len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    yield f"Unexplained: {'; '.join([*named[:MOST_NAMED], *more])}."


def _where(found: CaseFindings, run: str) -> str:
    return f"{run}, " if len(found.rounds.case.runs) > 1 else ""


def warnings(found: CaseFindings) -> list[str]:
    """Return what a reader must know with the answer."""
    said = []
    for place, stage in enumerate(found.stages[:-1]):
        stayed = found.stages[place + 1].values
        cut = [n for n in stage.likelihoods if n not in stayed and not stage.gaps[n].apart]
        if cut:
            said.append(
                f"{len(cut)} of the candidates left out after the {found.rounds.stages[place]} were not "
                "distinguishable from the best there: more finalists would let them stay."
            )
    lost = [one.quantity for one, kept in zip(found.last.summaries, found.last.kept, strict=True) if not kept]
    if lost:
        said.append(f"No candidate predicts {listed(lost, MOST_NAMED)}: they count for nothing.")
    return said


def tables(found: CaseFindings, why: Why) -> dict[str, Columns]:
    """Return the tables: candidates, values of the settings, published numbers, runs of the candidates shown."""
    return {
        "candidates": by_column(list(_candidates(found))),
        "unstated_settings": by_column(list(_settings(found))),
        "published_figures": by_column(list(_figures(found))),
        "candidate_runs": by_column(list(_runs(found, why)), ("candidate", "run", "seed", "folder")),
    }


def _candidates(found: CaseFindings) -> Iterator[dict[str, Any]]:
    done: set[int] = set()
    for place in reversed(range(len(found.stages))):
        scored = found.stages[place]
        for n in scored.likelihoods:
            if n in done:
                continue
            done.add(n)
            behind = scored.gaps[n]
            yield {
                "candidate": n + 1,
                **{called(name): label for name, label in found.rounds.case.candidates[n].items()},
                "stage": str(found.rounds.stages[place]),
                "seeds": len(scored.values[n]),
                "log_likelihood": scored.likelihoods[n],
                "behind": behind.gap,
                "half_width": behind.half,
                "told_apart": behind.apart,
                "seeds_needed": scored.seeds_needed(n),
                "outside": len(scored.outside(n)),
                "of": int(scored.kept.sum()),
            }


def _settings(found: CaseFindings) -> Iterator[dict[str, Any]]:
    for one in effects(found.stages, found.rounds.case.candidates):
        yield {
            "setting": called(one.setting),
            "value": one.label,
            "best_candidate": one.candidate + 1,
            "stage": str(found.rounds.stages[one.stage]),
            "behind": one.behind.gap,
            "half_width": one.behind.half,
            "told_apart": one.behind.apart,
            "seeds_needed": found.stages[one.stage].seeds_needed(one.candidate),
        }


def _figures(found: CaseFindings) -> Iterator[dict[str, Any]]:
    last = found.last
    for n in found.shown:
        low, high = predictive.interval(last.predicted(last.values[n]))
        densities = last.densities(last.predicted(last.values[n]))
        outside = last.outside(n)
        for place, one in enumerate(last.summaries):
            of = last.values[n][:, place]
            mean = float(np.nanmean(of)) if np.isfinite(of).any() else np.nan
            known = np.isfinite(low[place])
            yield {
                "candidate": n + 1,
                "run": one.run,
                "figure": one.quantity,
                "published": one.shown(one.value),
                "mean": one.shown(mean) if np.isfinite(mean) else None,
                "low": one.shown(float(low[place])) if known else None,
                "high": one.shown(float(high[place])) if known else None,
                "deviation": 2 * (one.value - mean) / (high[place] - low[place]) if known else None,
                "inside": place not in outside if last.kept[place] else None,
                "log_density": densities[place] if last.kept[place] else None,
            }


def _runs(found: CaseFindings, why: Why) -> Iterator[dict[str, Any]]:
    stage = found.rounds.stages[-1]
    folders = {job["hash"]: f"runs/{job_name(job['number'], job['hash'])}" for job in why.info["jobs"]}
    for (n, run, seed), code in found.rounds.hashes(stage, found.shown).items():
        if code in folders:
            yield {"candidate": n + 1, "run": run, "seed": seed, "folder": folders[code]}
