"""Write what was found as docs/reproduction.md and as an HTML page."""

from __future__ import annotations

import math
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from readings import Found, completed, first_run

from mlexp.drawing import style
from mlexp.report.run import figures
from mlexp.store.files import write_bytes

HERE = Path(__file__).parent
FEW = 10  # seeds that are written out
Studies = Mapping[str, Mapping[str, Any]]


def write(
    studies: Studies, found: Mapping[str, Sequence[Found]], folder: Path, docs: Path | None
) -> list[Path]:
    """Write the page beside the runs, and into `docs` where wanted; return what was written."""
    quick = folder.name == "quick"
    places = [folder] if docs is None else [folder, docs]
    written = []
    for place in places:
        images = place / ("images/reproduction" if place == docs else "images")
        images.mkdir(parents=True, exist_ok=True)
        pictures = {name: drawn(name, study, folder / name, images) for name, study in studies.items()}
        seconds = {name: took(study, folder / name) for name, study in studies.items()}
        content = {
            "studies": studies,
            "rows": {name: [row(one, quick=quick) for one in found[name]] for name in studies},
            "pictures": {
                name: [path.relative_to(place).as_posix() for path in paths]
                for name, paths in pictures.items()
            },
            "totals": Counter(
                row(one, quick=quick)["verdict"] for figures in found.values() for one in figures
            ),
            "missed": [
                (name, row(one, quick=quick))
                for name in studies
                for one in found[name]
                if one.missed and not quick
            ],
            "commands": {
                name: [" ".join(["mlexp", *words(run, quick=quick)]) for run in study["runs"].values()]
                for name, study in studies.items()
            },
            "took": {name: f"{value / 60:.1f}" for name, value in seconds.items()},
            "hours": f"{sum(seconds.values()) / 3600:.1f}",
            "machine": machine(studies, folder),
            "size": folder.name,
        }
        for template, name in (("page.md", "reproduction.md"), ("page.html", "reproduction.html")):
            if place == docs and name.endswith("html"):
                continue
            write_bytes(place / name, rendered(template, content).encode())
            written.append(place / name)
    return written


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


def row(one: Found, *, quick: bool) -> dict[str, str]:
    """Return the cells of one line of the table; a quick run shows that it runs, and judges nothing."""
    published = one.entry.get("published")
    because = one.entry.get("because", "")
    if one.missed and not quick:
        low, high = one.entry["expected"]
        because = f"{because}{'; ' if because else ''}checks beforehand gave {low:g} to {high:g}"
    return {
        "quantity": one.entry["quantity"],
        "published": "" if published is None else number(published),
        "ours": number(one.mean, decimals(one.half_width)),
        "interval": "" if math.isnan(one.half_width) else f"± {number(one.half_width, decimals(one.half_width))}",
        "seeds": "" if "comparison" in one.entry else str(len(one.values)),
        "verdict": "ran" if quick else one.verdict,
        "because": "" if quick else because or ("not explained" if one.verdict == "differs" else ""),
    } if one.values else {
        "quantity": one.entry["quantity"],
        "published": "" if published is None else number(published),
        "ours": "", "interval": "", "seeds": "0", "verdict": "not run", "because": "",
    }  # fmt: skip


def number(value: float, places: int | None = None) -> str:
    """Return a number with that many decimal places, else with five significant digits (six above 1); whole ones whole.

    Examples
    --------
    >>> number(0.978341, 4), number(16.321867), number(168325.0), number(0.00021)
    ('0.9783', '16.3219', '168,325', '0.00021')
    """
    if places is None and float(value).is_integer():
        return f"{int(value):,}"
    if places is not None:
        return f"{value:,.{places}f}"
    return f"{value:.5g}" if abs(value) < 1 else f"{value:.6g}"


def decimals(half_width: float) -> int | None:
    """Return the decimal places that leave half an interval two significant digits; None where there is none.

    Examples
    --------
    >>> decimals(0.00409), decimals(7.6), decimals(0.0)
    (4, 1, None)
    """
    if math.isnan(half_width) or half_width == 0:
        return None
    return max(0, 1 - math.floor(math.log10(half_width)))


def drawn(name: str, study: Mapping[str, Any], folder: Path, images: Path) -> list[Path]:
    """Draw the pictures of a study from its first completed run, or take those of its sweep."""
    paths = []
    for key in study["runs"]:
        run = first_run(folder / key)
        for picture in study.get("pictures", []):
            path = images / f"{name}_{key}_{picture}.png"
            places = [folder / key, *([run.path] if run else [])]
            ready = [place / "figures" / f"{picture}.png" for place in places]
            if there := next((file for file in ready if file.exists()), None):
                shutil.copyfile(there, path)
            elif run is not None and (drawing := figures(run.info["task"]["kind"]).get(picture)):
                with style.settings():
                    figure = drawing.draw(run)
                    if figure is None:
                        continue
                    write_bytes(path, style.png(figure))
            else:
                continue
            paths.append(path)
    return paths


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
    """Return the seconds of computing of all runs of a study, over all its processes; a stack counts once."""
    seconds = 0.0
    for key in study["runs"]:
        for run in completed(folder / key):
            searched = (run.path / "trials").exists()
            seconds += float(run.info["facts"].get("fit_seconds", 0)) if searched else run.seconds or 0.0
            seconds += sum(one.seconds or 0.0 for one in completed(run.path / "trials"))
        for search in (folder / key).glob("tuning/*/trials"):
            seconds += sum(one.seconds or 0.0 for one in completed(search))
    return seconds


def machine(studies: Studies, folder: Path) -> str:
    """Say what the runs ran on, from the record of the first."""
    for name, study in studies.items():
        for key in study["runs"]:
            if run := first_run(folder / name / key):
                around = run.info["environment"]
                return f"{around['processor']}, {os.cpu_count()} cores, NumPy {around['packages']['numpy']}"
    return "nothing has run"
