"""A lab report as a file: Word, PDF, LaTeX, a notebook or Quarto, converted by pandoc and typst."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from mlexp import store, system
from mlexp.config import recorded
from mlexp.documents import code, markdown
from mlexp.documents.content import bibliography, content, pictures
from mlexp.documents.markdown import ProgramListing, Title
from mlexp.documents.tex import letter
from mlexp.errors import ConfigError, DataError, MlexpError
from mlexp.runs import session
from mlexp.store import Comparison, Run, Sweep
from mlexp.store.files import at_once, write_bytes

FORMAT = "markdown-smart-auto_identifiers"
HEADERS = {
    "latex": r"""\usepackage{float}\floatplacement{figure}{H}
\ifdefined\DefineVerbatimEnvironment
\DefineVerbatimEnvironment{Highlighting}{Verbatim}{commandchars=\\\{\},fontsize=\scriptsize}
\fi
""",
    "typst": """#show raw.where(block: true): set text(size: 6.8pt)
#set table(inset: (x: 6pt, y: 3pt))
#show table: set text(size: 8.5pt, hyphenate: false)
#show table: set par(justify: false)
#show figure.where(kind: table): set block(breakable: true)
#show figure.caption.where(kind: table): it => block(breakable: false, sticky: true, it)
#show figure.caption: set text(size: 9pt)
""",
}
RULE = b'<w:tblBorders><w:top w:val="single" w:sz="8"/><w:bottom w:val="single" w:sz="8"/></w:tblBorders>'
WORD = (
    (
        b'w:hAnsi="Consolas" />\n      <w:sz w:val="22" />',
        b'w:hAnsi="Consolas" />\n      <w:sz w:val="15" />',
    ),
    (
        b"<w:qFormat />\n    <w:tblPr>",
        b'<w:qFormat />\n    <w:rPr><w:sz w:val="17" /></w:rPr>\n    <w:tblPr>',
    ),
    (b"<w:tblCellMar>\n        <w:top", RULE + b"<w:tblCellMar>\n        <w:top"),
)
PAGE = {"papersize": "a4", "margin": {"x": "25mm", "y": "25mm"}}
COLUMNS = 100  # letters of a row of a table up to which its columns are as wide as their words
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LOADED = 'Path(__file__).with_suffix(".npz")'  # how a listing finds its rows
MISSING = (
    "--document needs the packages 'pypandoc-binary' and 'typst' ({name} is not installed): pip install "
    "pypandoc-binary typst."
)


def write(folder: Path, target: Path, title: Title) -> list[Path]:
    """Write the lab report of a run, sweep or comparison; all its files or none.

    Parameters
    ----------
    folder : the run, sweep or comparison
    target : the report; its ending says in which format. LaTeX and Quarto have their figures in a folder
        ``NAME_files`` beside it, a notebook its rows in ``NAME.npz``
    title : the title block

    Returns
    -------
    list of Path
        The report, then what lies beside it.

    Raises
    ------
    ConfigError
        The ending is not known, or pandoc or typst is not installed.
    DataError
        The folder holds no result yet.
    """
    if target.suffix not in FORMATS:
        raise ConfigError(
            f"--document must end in {', '.join(list(FORMATS)[:-1])} or {list(FORMATS)[-1]}. Got {target}."
        )
    said = content(folder)
    with tempfile.TemporaryDirectory() as place:
        desk = Path(place)
        kind = "pdf" if target.suffix in (".pdf", ".tex") else "png"
        drawn = pictures(folder, [kind], desk)
        beside = f"{target.stem}_files"
        (desk / "figures").mkdir(exist_ok=True)
        (desk / "figures").rename(desk / beside)
        listing = program(folder, f"{target.stem}.npz")
        places = f"<{beside}/{{name}}.{kind}>"
        text = markdown.text(said, drawn, listing, title, places, numbered=kind == "png")
        (desk / "methods.bib").write_text(bibliography(said.sources))
        files = FORMATS[target.suffix](desk, text, target.stem, listing, said.page.date)
        if target.suffix in (".tex", ".qmd"):
            files |= {
                f"{beside}/{one.name}.{kind}": (desk / beside / f"{one.name}.{kind}").read_bytes()
                for one in drawn
            }
    with at_once():
        for name, data in files.items():
            write_bytes(target.parent / name, data)
    return [target.parent / name for name in files]


def program(folder: Path, rows: str) -> ProgramListing | None:
    """Return the program listing of a run, or of the first run of the best arm; None where there is none."""
    opened = store.open(folder)
    run = _first(opened) if not isinstance(opened, Run) else opened
    if run is None:
        return None
    try:
        config = recorded.relocated(recorded.read(run.path / "config.yaml"), run.info.get("began_in"))
        library = "numpy" if config.model.name == "mlp" else "sklearn"
        if config.task.kind not in code.KINDS:
            return None
        text, data = code.listing(run, config, session.load(config), library, rows)
    except MlexpError:  # no listing by that library, or the data are no longer there
        return None
    words = ["mlexp", "export", str(store.shown(run.path)), "--code", library, "--out", f"{rows[:-4]}.py"]
    return ProgramListing(text, rows, data, system.as_command(words))


def _first(opened: Sweep | Comparison) -> Run | None:
    if isinstance(opened, Sweep):
        return None
    ranked = [str(name) for name in opened.info.get("ranking") or opened.runs]
    return next((opened.runs[name][0] for name in ranked if opened.runs.get(name)), None)


Files = dict[str, bytes]


def _docx(desk: Path, text: str, stem: str, listing: ProgramListing | None, date: str) -> Files:
    _word_styles(desk / "styles.docx")
    _pandoc(desk, text, "docx", date, "--output=out.docx", "--reference-doc=styles.docx")
    return {f"{stem}.docx": (desk / "out.docx").read_bytes()}


def _word_styles(target: Path) -> None:
    """Write pandoc's own Word styles with smaller code, and a rule above and below each table."""
    pandoc = _library("pypandoc").get_pandoc_path()
    asked = [pandoc, "--print-default-data-file=reference.docx"]
    default = subprocess.run(asked, capture_output=True, check=True).stdout
    with zipfile.ZipFile(io.BytesIO(default)) as styles, zipfile.ZipFile(target, "w") as made:
        for name in styles.namelist():
            data = styles.read(name)
            if name == "word/styles.xml":
                for before, after in WORD:
                    data = data.replace(before, after)
            made.writestr(zipfile.ZipInfo(name), data)  # of no time of day


def _pdf(desk: Path, text: str, stem: str, listing: ProgramListing | None, date: str) -> Files:
    typst = _library("typst")
    (desk / "page.json").write_text(json.dumps(PAGE))
    (desk / "out.typ").write_bytes(_pandoc(desk, text, "typst", date, "--metadata-file=page.json"))
    try:
        return {f"{stem}.pdf": bytes(typst.compile(str(desk / "out.typ"), root=str(desk)))}
    except Exception as error:  # typst.TypstError, or RuntimeError in older versions
        raise DataError(f"typst could not set the report: {' '.join(str(error).split())[:300]}") from error


def _tex(desk: Path, text: str, stem: str, listing: ProgramListing | None, date: str) -> Files:
    made = _pandoc(desk, text, "latex", date, "--variable=geometry:margin=25mm").decode()
    plain = "".join(one if one.isascii() else letter(one) for one in made)  # for every engine and font
    return {f"{stem}.tex": plain.encode("ascii")}


def _ipynb(desk: Path, text: str, stem: str, listing: ProgramListing | None, date: str) -> Files:
    """Return a notebook whose code cell is the listing, and the rows that it reads."""
    text = text.replace(LOADED, json.dumps(f"{stem}.npz"))
    book = json.loads(_pandoc(desk, text, "ipynb", date, "--embed-resources"))
    for place, cell in enumerate(book["cells"], 1):
        cell["id"] = f"cell-{place}"
    book["metadata"] = {"kernelspec": KERNEL}
    rows = {listing.rows: listing.data} if listing else {}
    return {f"{stem}.ipynb": (json.dumps(book, indent=1, ensure_ascii=False) + "\n").encode()} | rows


def _qmd(desk: Path, text: str, stem: str, listing: ProgramListing | None, date: str) -> Files:
    """Return the Markdown itself, with its references beside it."""
    _library("pypandoc")
    text = text.replace("bibliography: BIBLIOGRAPHY", f"bibliography: {json.dumps(f'{stem}.bib')}", 1)
    text = re.sub(
        r"::: \{\.cell \.code\}\n(``````python\n.*?\n``````)\n:::", r"\1", text, count=1, flags=re.DOTALL
    )
    return {f"{stem}.qmd": text.encode(), f"{stem}.bib": (desk / "methods.bib").read_bytes()}


FORMATS: dict[str, Callable[[Path, str, str, ProgramListing | None, str], Files]] = {
    ".docx": _docx, ".pdf": _pdf, ".tex": _tex, ".ipynb": _ipynb, ".qmd": _qmd,
}  # fmt: skip


def _pandoc(desk: Path, text: str, kind: str, date: str, *options: str) -> bytes:
    """Return what pandoc makes of the report; files are found in `desk`, and bytes repeat."""
    pandoc = _library("pypandoc").get_pandoc_path()
    text = text.replace("bibliography: BIBLIOGRAPHY\n", "", 1)
    header = desk / "header.txt"
    day = datetime.fromtimestamp(_seconds(date), UTC)
    dated = f"#set document(date: datetime(year: {day.year}, month: {day.month}, day: {day.day}))\n"
    header.write_text(HEADERS.get(kind, "") + (dated if kind == "typst" else ""))
    command: Sequence[str] = (
        pandoc, f"--from={FORMAT}", f"--to={kind}", "--standalone", f"--columns={COLUMNS}", "--citeproc",
        "--bibliography=methods.bib",
        *([f"--include-in-header={header.name}"] if kind in HEADERS else []), *options,
    )  # fmt: skip
    env = os.environ | {"SOURCE_DATE_EPOCH": str(_seconds(date))}
    done = subprocess.run(command, input=text.encode(), cwd=desk, capture_output=True, check=False, env=env)
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise DataError(f"pandoc could not convert the report to {kind}: {said}")
    return done.stdout


def _seconds(date: str) -> int:
    """Return seconds since 1970 of the day on which the study ran; of a record that names none, of 2000."""
    try:
        return int(datetime.fromisoformat(date[:10]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 946684800


def _library(name: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(MISSING.format(name=name)) from error
