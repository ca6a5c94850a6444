"""``mlexp why``: which unstated settings explain the figures that somebody published."""

from __future__ import annotations

from collections.abc import Sequence

from mlexp.store import Why, shown
from mlexp.verbs import names, parser
from mlexp.verbs.machine import tell

EXAMPLE = "mlexp why mnist_mlp --seeds 5"


def why(arguments: Sequence[str]) -> int:
    """Run candidates for the settings that a report does not state, and say which of them explain its figures.

    CASE is the name of a shipped case (conf/why) or a YAML file: what the report states, the single figures and curves
    that it published, and for each unstated setting the values that it may have had. Short prefixes of the curves are
    run first; what they rule out is not run at full length.
    """
    words = parser("why", why.__doc__, EXAMPLE, "the folder")
    words.add_argument("case", metavar="CASE", help="name of a shipped case, or a YAML file")
    words.add_argument(
        "settings", nargs="*", metavar="key=value", help="further settings, such as size=smoke"
    )
    words.add_argument(
        "--seeds", type=int, metavar="N", help="runs of each candidate (default: as the case says)"
    )
    words.add_argument(
        "--only", type=names, default=[], metavar="RUN[,RUN]", help="only these runs of the report"
    )
    words.add_argument("--config-dir", metavar="DIR", help="your own folders task/, dataset/, model/")
    words.add_argument("--dry-run", action="store_true", help="print what would run and exit")
    parsed = words.parse_intermixed_args(arguments)
    from mlexp import dispatch
    from mlexp.why import case, study

    asked = case.narrowed(case.read(parsed.case), seeds=parsed.seeds, only=parsed.only)
    planned = study.plan(asked, parsed.settings, parsed.config_dir, ["mlexp", "why", *arguments])
    if parsed.dry_run:
        from mlexp.sweeps import conductor

        n_candidates = len(asked.candidates)
        print(f"{n_candidates:,} candidates; stages: {', '.join(map(str, planned.stages))}. The first:")
        conductor.show(planned.plan)
        return 0
    outcome = dispatch.run_why(planned, verbosity=parsed.quiet)
    found = Why.open(outcome.path).question
    tell(
        folder=str(shown(outcome.path)),
        **{name: found.get(name) for name in ("status", "question", "answer")},
    )
    if (error := outcome.error()) is not None:
        raise error
    return 0
