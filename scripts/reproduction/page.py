"""Write what was found as docs/reproduction.md and as an HTML page."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import kept
import logs
import readings
import rule
from readings import Found, completed, first_run

from mlexp.comparisons import figures as of_comparisons
from mlexp.drawing import style
from mlexp.report.run import figures
from mlexp.store import Comparison, Run
from mlexp.store.files import write_bytes
from mlexp.sweeps import figures as of_sweeps

HERE = Path(__file__).parent
IMAGES = HERE.parents[1] / "docs" / "images" / "reproduction"
FEW = 10  # seeds that are written out
DIGITS, DIGITS_OF_P = 4, 2  # significant, of a figure without a band
WIDE = 94  # columns of a command before it is wrapped
VERDICTS = (rule.AGREES, rule.DIFFERS, rule.TOO_WIDE, *rule.BY_HAND.values(), rule.NOT_RUN)
Studies = Mapping[str, Mapping[str, Any]]


def write(studies: Studies, folder: Path, known: kept.Kept, docs: Path | None) -> list[Path]:
    """Write the page beside the runs, and into `docs` where wanted; return what was written."""
    quick = folder.name == "quick"
    found = {name: figures_of(name, study, folder, {} if quick else known) for name, study in studies.items()}
    content = {
        "reports": summary(studies, found),
        "studies": [
            {
                "name": name,
                "report": study["report"],
                "asks": study["asks"],
                "counts": counted(found[name][: len(study["figures"])]),
                "commands": [wrapped(words(run, quick=quick)) for run in study["runs"].values()],
                "rows": [row(one, quick=quick) for one in found[name][: len(study["figures"])]],
                "causes": causes(study, found[name]),
                "why": why(study, known.get(name, {})),
                "claims": claims(study, found[name]),
                "took": took_words(study, folder / name, known.get(name, {})),
            }
            for name, study in studies.items()
        ],
        "verdicts": VERDICTS,
        "made": made(studies, found, folder, known),
        "size": folder.name,
    }
    written = []
    for place in [folder] if docs is None else [folder, docs]:
        images = place / ("images/reproduction" if place == docs else "images")
        for study in content["studies"]:
            name, kept_ones = study["name"], {} if quick else known.get(study["name"], {}).get("pictures", {})
            drawings = pictures(name, studies[name], folder / name, images) or from_before(kept_ones, images)
            remove_all_but(drawings, name, images)
            study["pictures"] = [(path.relative_to(place).as_posix(), alt) for path, alt in drawings]
        for template, name in (("page.md", "reproduction.md"), ("page.html", "reproduction.html")):
            if place == docs and name.endswith("html"):
                continue
            write_bytes(place / name, rendered(template, content).encode())
            written.append(place / name)
    return written


def figures_of(name: str, study: Mapping[str, Any], folder: Path, known: kept.Kept) -> list[Found]:
    """Return the figures of a study from its run folders, each that is not there from what is kept."""
    here, stored = readings.found(study, folder / name), kept.restored(study, known.get(name, {}))
    return [one if one.values else other for one, other in zip(here, stored, strict=True)]


def rendered(template: str, content: Mapping[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=template.endswith("html"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(f"{template}.j2").render(content)


def summary(studies: Studies, found: Mapping[str, Sequence[Found]]) -> list[dict[str, Any]]:
    """Return one line a report: how many of its figures there are of each verdict, and its claims beside ours."""
    lines = []
    for letter in sorted({study["report"] for study in studies.values()}):
        of_report = {name: study for name, study in studies.items() if study["report"] == letter}
        counts: Counter[str] = Counter()
        for name, study in of_report.items():
            counts += Counter(counted(found[name][: len(study["figures"])]))
        lines.append(
            {
                "report": letter,
                "counts": counts,
                "n": counts.total(),
                "claims": [
                    (name, *claim)
                    for name, study in of_report.items()
                    for claim in claims(study, found[name])
                ],
            }
        )
    return lines


def counted(found: Sequence[Found]) -> dict[str, int]:
    """Return how many published figures have each verdict."""
    return dict(Counter(one.judged.verdict for one in found if one.published is not None))


def claims(study: Mapping[str, Any], found: Sequence[Found]) -> list[tuple[str, str]]:
    """Return what the report says and what we find, in words; our side waits until all of its figures are there."""
    known = {one.entry["key"]: ours(one) for one in found if "key" in one.entry and one.values}
    said = []
    for claim in study.get("claims", []):
        try:
            words_of_ours = (
                jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(claim["ours"]).render(known)
            )
        except jinja2.UndefinedError:
            words_of_ours = f"{rule.NOT_RUN} at this commit"
        said.append((claim["report"], words_of_ours))
    return said


def ours(one: Found) -> str:
    """Return our figure with its band, for a sentence."""
    judged = one.judged
    if judged.mean is None:
        return ""
    if one.entry.get("exact") and one.published is not None and not judged.mean.is_integer():
        return number(judged.mean, one.published.places)
    if judged.band is None or one.entry.get("exact"):
        return number(judged.mean, digits=digits(one))
    return f"{number(judged.mean, judged.places)} ± {number(judged.band, judged.places)}"


def row(one: Found, *, quick: bool = False) -> dict[str, str]:
    """Return the cells of one line of the table; a quick run shows that it runs, and judges nothing."""
    judged = one.judged
    counted_out = one.entry.get("exact") and judged.mean is not None and judged.mean.is_integer()
    return {
        "quantity": one.entry["quantity"],
        "published": "" if one.published is None else minus(one.published.text),
        "ours": ""
        if judged.mean is None
        else number(judged.mean, None if counted_out else judged.places, digits(one)),
        "band": "" if judged.band is None else f"± {number(judged.band, judged.places)}",
        "seeds": "" if "comparison" in one.entry or not one.values else str(len(one.values)),
        "verdict": "ran" if quick and one.values else judged.verdict,
        "because": one.entry.get("because", ""),
        "commit": ", ".join(one.commits),
    }


def causes(study: Mapping[str, Any], found: Sequence[Found]) -> list[dict[str, Any]]:
    """Return each test of a cause: its verdict, and the figures it was held against."""
    left = iter(found[len(study["figures"]) :])
    by_key = {one.entry["key"]: one for one in found[: len(study["figures"])] if "key" in one.entry}
    tested = []
    for cause in study.get("causes", []):
        held = [(by_key[one["of"]], next(left)) for one in cause["figures"]]
        tested.append(
            {
                "cause": cause["cause"],
                "verdict": rule.explains(
                    [base.judged.verdict for base, _ in held], [one.judged.verdict for _, one in held]
                ),
                "rows": [
                    row(one) | {"quantity": base.entry["quantity"], "before": ours(base)}
                    for base, one in held
                ],
            }
        )
    return tested


def case(words: Sequence[str]) -> str:
    """Return the command that asks which unstated settings explain the figures of a study."""
    return shlex.join(["mlexp", "why", *words])


def why(study: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return that command with its answer, empty where it has not run; None where the study has no case."""
    if "why" not in study:
        return None
    asked = case(study["why"])
    kept_one = parts.get("why", {})
    return kept_one if kept_one.get("command") == asked else {"command": asked, "commits": [], "answer": []}


def number(value: float, places: int | None = None, digits: int = DIGITS) -> str:
    """Return a number with that many decimal places, else with so many significant digits; whole ones whole.

    Examples
    --------
    >>> number(0.978341, 4), number(16.321867), number(168325.0), number(-0.00021), number(0.82423, digits=2)
    ('0.9783', '16.32', '168,325', '−0.00021', '0.82')
    """
    if places is None and float(value).is_integer():
        return minus(f"{int(value):,}")
    if places is not None:
        return minus(f"{value:,.{places}f}")
    return minus(f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}")


def digits(one: Found) -> int:
    """Return how many significant digits a figure without a band is read with."""
    return DIGITS_OF_P if one.entry.get("comparison", "").rpartition(".")[2] == "p" else DIGITS


def minus(text: str) -> str:
    """Return a number with a minus sign instead of a hyphen before it."""
    return f"−{text[1:]}" if text.startswith("-") else text


def wrapped(arguments: Sequence[str]) -> str:
    r"""Return a command on lines that can be read and pasted, quoted where a shell needs it.

    Examples
    --------
    >>> wrapped(["-m", "task=a", "model.hidden=[2],[3]"])
    "mlexp -m task=a 'model.hidden=[2],[3]'"
    """
    quoted = [f"'{word}'" if set(word) & set("[]{}()*$ ") else word for word in arguments]
    lines = textwrap.wrap(
        " ".join(["mlexp", *(word.replace(" ", "\0") for word in quoted)]),
        WIDE, break_long_words=False, break_on_hyphens=False, subsequent_indent="    ",
    )  # fmt: skip
    return " \\\n".join(lines).replace("\0", " ")


def pictures(name: str, study: Mapping[str, Any], folder: Path, images: Path) -> list[tuple[Path, str]]:
    """Draw the pictures of the runs of a study, each with what it shows.

    Two runs that draw the same bytes make one picture.
    """
    images.mkdir(parents=True, exist_ok=True)
    made, seen = [], set()
    for key in study["runs"]:
        for picture in study.get("pictures", []):
            path = images / f"{name}_{key}_{picture}.png"
            shows = draw(picture, folder / key, path)
            if shows is None:
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest in seen:
                path.unlink()
                continue
            seen.add(digest)
            made.append((path, f"{name}, {key.replace('_', ' ')}: {shows}"))
    for place, log in enumerate(study.get("logs", []), 1):
        path = images / f"{name}_log_{place}.png"
        if logs.drawn(log, folder, path):
            made.append((path, f"{name}: {log['title']}, epoch by epoch"))
    return made


def from_before(alts: Mapping[str, str], images: Path) -> list[tuple[Path, str]]:
    """Return the pictures that were drawn where a study ran, for `images`; they are committed with the page."""
    for file in alts:
        if not (images / file).exists():
            shutil.copyfile(IMAGES / file, images / file)
    return [(images / file, alt) for file, alt in alts.items()]


def remove_all_but(drawings: Sequence[tuple[Path, str]], name: str, images: Path) -> None:
    """Remove the pictures of a study that its page no longer shows."""
    longer = [f"{other}_" for other in readings.studies() if other.startswith(f"{name}_")]
    for old in images.glob(f"{name}_*.png"):
        if old not in [path for path, _ in drawings] and not old.name.startswith(tuple(longer)):
            old.unlink()


def draw(picture: str, folder: Path, path: Path) -> str | None:
    """Copy or draw one picture of a run or a sweep, and return what it shows; None where there is none."""
    run = first_run(folder)
    of_run = figures(run.info["task"]["kind"]) if run else {}
    shared = of_comparisons.FIGURES if Comparison.is_at(folder) else of_sweeps.FIGURES
    drawings = {**of_run, **shared} if (folder / "figures" / f"{picture}.png").exists() else of_run
    places = [folder, *([run.path] if run else [])]
    ready = [place / "figures" / f"{picture}.png" for place in places]
    if there := next((file for file in ready if file.exists()), None):
        shutil.copyfile(there, path)
    elif run is not None and picture in of_run:
        with style.settings():
            figure = of_run[picture].draw(run)
            if figure is None:
                return None
            write_bytes(path, style.png(figure))
    else:
        return None
    return drawings[picture].shows if picture in drawings else picture.replace("_", " ")


def words(run: Mapping[str, Any], *, quick: bool) -> list[str]:
    """Return the command line of a run, without the word mlexp.

    Examples
    --------
    >>> words({"settings": ["task=a"], "seeds": 2}, quick=False)
    ['-m', 'task=a', 'seed=0,1']
    >>> words({"settings": ["task=a"], "comparison": True, "seeds": 3, "quick": ["b=1"]}, quick=True)
    ['task=a', 'size=smoke', 'comparison.first=null', 'b=1']
    """
    settings = list(run["settings"])
    if quick:
        every_arm = ["comparison.first=null"] if run.get("comparison") else []
        settings += ["size=smoke", *every_arm, *run.get("quick", [])]
    if run.get("tuned"):
        return settings
    if run.get("comparison"):
        return settings + ([] if quick or "seeds" not in run else [f"comparison.seeds={run['seeds']}"])
    if quick or run.get("once"):
        return ["-m", *settings]
    count = run["seeds"]
    return [
        "-m",
        *settings,
        f"seed={','.join(map(str, range(count))) if count <= FEW else f'range({count})'}",
    ]


def took(study: Mapping[str, Any], folder: Path) -> float:
    """Return the seconds of CPU time of all runs of a study; other work on the machine does not count."""
    seconds = 0.0
    for key in study["runs"]:
        for run in completed(folder / key):
            searched = (run.path / "trials").exists()
            seconds += float(run.info["facts"].get("fit_seconds", 0)) if searched else _cpu(run)
            seconds += sum(map(_cpu, completed(run.path / "trials")))
        for search in (folder / key).glob("tuning/*/trials"):
            seconds += sum(map(_cpu, completed(search)))
    return seconds


def _cpu(run: Run) -> float:
    return float(run.info.get("cpu_seconds") or 0) / int(run.info.get("stack", 1))


def took_words(study: Mapping[str, Any], folder: Path, parts: Mapping[str, Any]) -> str:
    """Say how long a study took; empty where it has not run."""
    seconds = took(study, folder) or float(parts.get("seconds", 0))
    return f"{seconds / 60:.1f} minutes of CPU time." if seconds else ""


def made(
    studies: Studies, found: Mapping[str, Sequence[Found]], folder: Path, known: kept.Kept
) -> dict[str, Any]:
    """Return what made the figures: commits, machine, hours, and how many studies are there."""
    commits = sorted({commit for figures in found.values() for one in figures for commit in one.commits})
    seconds = sum(
        took(study, folder / name) or float(known.get(name, {}).get("seconds", 0))
        for name, study in studies.items()
    )
    there = [
        machine(study, folder / name) or known.get(name, {}).get("machine") for name, study in studies.items()
    ]
    whole = sum(all(one.values for one in found[name]) for name in studies)
    cases = [
        asked for name, study in studies.items() if (asked := why(study, known.get(name, {}))) is not None
    ]
    return {
        "commits": commits,
        "machines": sorted({one for one in there if one}),
        "hours": f"{seconds / 3600:.1f}",
        "whole": whole,
        "n_studies": len(studies),
        "cases": len(cases),
        "answered": sum(bool(one["answer"]) for one in cases),
    }


def machine(study: Mapping[str, Any], folder: Path) -> str:
    """Say what a study ran on, from the record of its first run; empty where it has not run."""
    for key in study["runs"]:
        if run := first_run(folder / key):
            around = run.info["environment"]
            versions = f"Python {around.get('python', '')}, NumPy {around['packages']['numpy']}".replace(
                " ,", ","
            )
            return f"{around['processor']}, {os.cpu_count()} cores, {versions}"
    return ""
