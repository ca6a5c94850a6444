"""The command line: a first word that is a verb goes to `VERBS`; everything else is settings of a run.

An error becomes one line on standard error and the exit code of its type.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexp import __version__
from mlexp.errors import ConfigError, ExpectationError, Interrupted, MlexpError, shortened
from mlexp.verbs import machine
from mlexp.verbs.table import BEFORE_VERBS, FLAGS, HELP, OF_HYDRA, OPTIONS, VALUES, VERBS

if TYPE_CHECKING:
    from mlexp.comparisons.study import ComparisonStudy
    from mlexp.config.conditions import Condition
    from mlexp.config.schema import Config
    from mlexp.sweeps.conductor import SweepOutcome
    from mlexp.sweeps.planning import Plan

    Asked = Config | Plan | ComparisonStudy

LONGEST = 2000  # characters of a message


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with `argv` and return its exit code; without `argv`, run as the command-line process."""
    if argv is None:
        from mlexp import __main__ as process

        return process.main()
    try:
        arguments = verb_first(trusted([word for word in argv if word != machine.FLAG]))
        if machine.FLAG in argv and not {"-h", "--help"} & {*argv}:
            code = machine.answered(arguments, arguments[0] if is_verb(arguments) else "", obey, report)
        else:
            code = obey(arguments)
        sys.stdout.flush()  # a failed write can still be reported here
        return code
    except MlexpError as error:
        return report(error)
    except KeyboardInterrupt as stop:
        return report(Interrupted(str(stop) or "Stopped. What was recorded so far is kept."))


def trusted(arguments: list[str]) -> list[str]:
    """Load the plugins that these words and the environment name, and return the other words."""
    from mlexp import plugins
    from mlexp.config import plugged

    named, rest = plugged.asked(arguments)
    plugins.load(named)
    return rest


def obey(arguments: list[str]) -> int:
    """Carry out a command and return the exit code.

    Raises
    ------
    MlexpError
        For every expected error.
    """
    own = {OPTIONS[word] for word in arguments if word in OPTIONS}
    rest = [word for word in arguments if word not in OPTIONS]
    if is_verb(arguments):
        try:
            return verb(arguments[0], arguments[1:])(arguments[1:])
        except SystemExit as left:  # argparse, after --help
            return int(left.code or 0)
    if "help" in own:
        print(HELP, end="")
        print(f"documents: {documents()}; a study to start from: mlexp init")
        return 0
    if "version" in own:
        machine.tell(version=__version__)
        print(f"mlexp {__version__}")
        return 0
    said = -1 if "quiet" in own else int("verbose" in own)
    return configured(rest, said, dry="dry" in own, details="details" in own)


def documents() -> Path:
    """Return the folder of the guide and the other documents: that of the wheel, or of the checkout."""
    package = Path(__file__).parent
    return next(
        (place for place in (package / "docs", package.parents[1] / "docs") if place.is_dir()), package
    )


def report(error: MlexpError) -> int:
    """Print an error, a line for each unmet expectation, or its traceback under ``MLEXP_DEBUG=1``; return its code."""
    if os.environ.get("MLEXP_DEBUG") == "1":
        traceback.print_exception(error)
        return error.exit_code
    from mlexp.config.untrusted import printable

    for words in error.lines if isinstance(error, ExpectationError) else (str(error),):
        line = printable(" ".join(words.split()))
        print(f"mlexp: {shortened(line, LONGEST - len('mlexp: '))}", file=sys.stderr)
    return error.exit_code


def verb_first(arguments: list[str]) -> list[str]:
    """Return the arguments with the verb before the flags; `run`, the default, is dropped.

    Examples
    --------
    >>> verb_first(["-q", "show", "latest"]), verb_first(["run", "task=mnist_mlp"])
    (['show', '-q', 'latest'], ['task=mnist_mlp'])
    """
    place = next((place for place, word in enumerate(arguments) if word not in BEFORE_VERBS), None)
    if place is None or not is_verb(arguments[place:]):
        return arguments
    flags, (name, *rest) = arguments[:place], arguments[place:]
    return flags + rest if name == "run" else [name, *flags, *rest]


def is_verb(arguments: Sequence[str]) -> bool:
    """Return whether the first word is a verb: no ``=``, no option, no ``~key``."""
    return bool(arguments) and "=" not in arguments[0] and not arguments[0].startswith(("-", "~", "+"))


def verb(name: str, rest: Sequence[str] = ()) -> Callable[[Sequence[str]], int]:
    """Return the function of a verb; `rest` are its arguments."""
    if name not in VERBS:
        from mlexp.config.messages import verb_instead

        raise ConfigError(verb_instead(name, rest, list(VERBS)))
    module, _, function = VERBS[name].partition(":")
    called: Callable[[Sequence[str]], int] = getattr(import_module(f"mlexp.verbs.{module}"), function)
    return called


def configured(arguments: list[str], verbosity: int, *, dry: bool = False, details: bool = False) -> int:
    """Compose the configuration of these arguments, and run it, print it, or print what would run."""
    from mlexp.config.groups import config_folder

    flags, settings = apart(arguments)
    asked = [name for name in ("multirun", "cfg", "info") if name in flags]
    if len(asked) > 1:
        raise ConfigError(
            f"-m, --cfg and --info exclude each other. Got {' and '.join(asked)}: take one of them."
        )
    if "info" in flags and machine.is_listening():
        raise ConfigError("--json does not apply to --info: leave it out.")
    config_dir = config_folder(flags.get("config_dir"))
    warn_of_shadowed(config_dir)
    from mlexp import plugins
    from mlexp.config import compose as configuration

    if "cfg" in flags:
        from mlexp.config import yamltext

        text = configuration.shown(settings, config_dir)
        machine.tell(config=yamltext.parsed(text.encode()))
        print(text, end="")
    elif "info" in flags:
        configuration.print_origin(settings, config_dir)
    else:
        named = (
            ["--config-dir", config_dir] if config_dir and "config_dir" not in flags else []
        )  # by the environment
        command = ["mlexp", *plugins.words(), *named, *arguments]
        plan = planned(settings, config_dir, command, multirun="multirun" in flags)
        return start(plan, command, verbosity, dry=dry, details=details)
    return 0


def planned(settings: list[str], config_dir: str | None, command: list[str], *, multirun: bool) -> Asked:
    """Return what to run: a sweep, a comparison, or one run."""
    if multirun:
        from mlexp import dispatch

        return dispatch.plan_sweep(settings, config_dir, command)
    from mlexp.config import compose as configuration

    config = configuration.compose_run(settings, config_dir)
    if config.task.kind == "comparison":
        from mlexp.comparisons import study as studies

        return studies.plan(settings, config_dir, command)
    return config


def start(asked: Asked, command: list[str], verbosity: int, *, dry: bool, details: bool = False) -> int:
    """Run a configuration, a sweep or a comparison and return the exit code; when `dry`, only show what would run.

    Raises
    ------
    ConfigError
        If `details` is set and this is not a comparison.
    """
    from mlexp import dispatch
    from mlexp.config.schema import Config

    if details and isinstance(asked, Config):
        raise ConfigError(f"--details applies to comparisons. Got task={asked.task.name}: leave it out.")
    conditions = dispatch.conditions_of(asked)
    if isinstance(asked, Config):
        if dry:
            machine.tell(n_jobs=1, task=asked.task.name)
            print(f"1 job: {asked.task.name}. Its configuration: the same command with --cfg job")
            announce_search(asked, "with")
            return 0
        from mlexp.runs.terminal import Terminal

        try:
            run = dispatch.run(asked, command=command, terminal=Terminal(verbosity))
        except MlexpError as error:
            if error.folder is not None:
                machine.tell_failed(error.folder)
            raise
        machine.tell_done(run.path, conditions)
        return 0
    from mlexp.comparisons import running
    from mlexp.comparisons.study import ComparisonStudy
    from mlexp.sweeps import conductor

    if isinstance(asked, ComparisonStudy):
        if dry:
            machine.tell(**announced(asked.plan))
            running.announce(asked)
            return 0
        return ended(dispatch.run_comparison(asked, verbosity=verbosity, details=details), conditions)
    if details:
        raise ConfigError("--details applies to comparisons. Got a sweep (-m): leave it out.")
    if dry:
        machine.tell(**announced(asked))
        conductor.show(asked)
        announce_search(asked.first, "each with")
        return 0
    return ended(dispatch.run_sweep(asked, verbosity=verbosity), conditions)


def announced(plan: Plan) -> dict[str, Any]:
    """Return the jobs that would run, for ``--json``."""
    jobs = [{"number": job.number, "settings": dict(job.swept), "config_hash": job.hash} for job in plan.jobs]
    return {"n_jobs": len(jobs), "task": plan.task, "jobs": jobs}


def announce_search(config: Config, how: str) -> None:
    """Print the search that precedes the training of a job, if there is one."""
    if config.tune.strategy is not None:
        from mlexp.tuning import run as searching

        print(f"  {how} {searching.planned(config)}")


def ended(outcome: SweepOutcome, conditions: Sequence[Condition] = ()) -> int:
    """Return exit code 0, or raise the error of a sweep, or that its conditions are not met."""
    error = outcome.error()
    if error is not None:
        machine.tell_failed(outcome.path)
        raise error
    machine.tell_done(outcome.path, conditions)
    return 0


def apart(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the flags with their values, and the settings.

    Raises
    ------
    ConfigError
        For an unknown flag, or a value that a flag does not accept.

    Examples
    --------
    >>> apart(["seed=1", "-m", "--config-dir=own", "a=2"])
    ({'multirun': '', 'config_dir': 'own'}, ['seed=1', 'a=2'])
    """
    flags: dict[str, str] = {}
    settings: list[str] = []
    words = iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if not word.startswith("-"):
            settings.append(word)
            continue
        if flag in OF_HYDRA:
            raise ConfigError(f"{flag} is a flag of Hydra that mlexp does not take. See mlexp --help.")
        if flag not in FLAGS:
            from mlexp.config.messages import flag_instead

            known = [*OPTIONS, *FLAGS, "--plugin"]
            raise ConfigError(flag_instead(flag, value or next(words, ""), known, list(VERBS)))
        name = FLAGS[flag]
        if name in VALUES:
            value = value if equals else next(words, "")
            allowed = VALUES[name]
            if not value or (allowed and value not in allowed):
                needed = f"one of {', '.join(allowed)}" if len(allowed) > 1 else "".join(allowed) or "a value"
                raise ConfigError(f"{flag} needs {needed} after it. Got '{shortened(value)}'.")
        elif equals:
            raise ConfigError(f"{flag} takes no value. Got '{shortened(value)}'.")
        if name in flags and name != "multirun":
            raise ConfigError(f"{flag} is given twice. Take one of them.")
        flags[name] = value
    return flags, settings


def warn_of_shadowed(config_dir: str | None) -> None:
    """Warn about files in the user's configuration folder that would be ignored."""
    if config_dir is None:
        return
    from mlexp.config.groups import shadowed

    for name in shadowed(config_dir):
        print(
            f"mlexp: warning: {name} in {config_dir} is ignored because mlexp has a file of that name. Rename it.",
            file=sys.stderr,
        )


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the working directory holds data, not modules to import
    raise SystemExit(main())
