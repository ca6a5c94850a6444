"""The command line: a first word that is a verb goes to `VERBS`, everything else is Hydra's.

Hydra composes the configuration and handles its own flags (``--cfg``, ``--info``, ``-m``, tab
completion). Errors become one line on the standard error and the exit code of their kind.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import takewhile
from typing import TYPE_CHECKING

from mlexp import __version__
from mlexp.errors import ConfigError, Interrupted, MlexpError, did_you_mean

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from mlexp.comparisons import Study
    from mlexp.schema import Config
    from mlexp.sweeps import Outcome, Plan

    Asked = Config | Plan | Study

HELP = """\
mlexp: experiments in machine learning from YAML, with the record to trust and repeat them

  mlexp                                           handwritten digits; nothing to download, seconds
  mlexp task=mnist_mlp model.activation=relu      one run
  mlexp -m task=mnist_mlp model.activation=sigmoid,relu seed=0,1,2      a sweep, all combinations
  mlexp task=mnist_mlp tune=grid                  settings chosen on the validation part, then tested once
  mlexp task=mnist_sigmoid_vs_relu                is A better than B? repeated, tested, said in words
  mlexp task=classify dataset=csv dataset.path=my.csv dataset.label=species      your own table
  mlexp task=mnist_mlp size=smoke                 any task in seconds, to see whether it works

verbs
  mlexp list [tasks|datasets|models|...|runs]     what can be named; what was run, newest first
  mlexp show RUN                                  what a run or sweep was and what it found
  mlexp report RUN | --all                        its page and pictures anew; an index of all runs
  mlexp compare RUN ... [--by KEY]                is one setting better? tests of what ran already
  mlexp predict RUN new.csv                       classes or numbers for new rows, or pictures
  mlexp export RUN --onnx FILE | --config FILE    the model for other programs; a task file that repeats it
  mlexp rerun RUN                                 run it again: the same bytes, or what differs and why
  mlexp resume RUN                                go on with a run or sweep that was stopped or killed
  mlexp data [list|fetch|verify] [NAME]           where data sets are, and whether they are sound
  mlexp clean                                     remove failed or old runs, after asking
  mlexp doctor                                    what is wrong here, and how to cure it
  RUN is a folder, the name of a task (its newest run), or latest; each verb has --help with an example

flags
  --cfg job            print the configuration and stop
  --info config        how the configuration came about
  --config-dir DIR     your own folders task/, dataset/, model/ beside the built-in ones
  -m, --multirun       run every combination of the values given with commas, on all cores
  --dry-run            print what would run and stop
  -q, --quiet          print only the folder of the run
  -v, --verbose        print every epoch and what was prepared
  -sc install=bash     tab completion: eval "$(mlexp -sc install=bash)"
  -h, --help           this text; --hydra-help for Hydra's own
  --version

exit codes: 0 done, 1 fault of the program, 2 configuration, 3 data, 4 diverged, 5 interrupted, 6 some runs failed
"""

OPTIONS = {
    "-h": "help", "--help": "help", "--version": "version",
    "-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose", "--dry-run": "dry",
}  # fmt: skip
VERBS = {
    "list": "list:list_verb",
    "data": "data:data",
    "resume": "resume:resume",
    "compare": "compare:compare",
    "clean": "clean:clean",
    "rerun": "rerun:rerun",
    "show": "show:show",
    "predict": "predict:predict",
    "export": "export:export",
    "doctor": "doctor:doctor",
    "report": "report:report",
}  # verb -> module in verbs/ and its function, imported when used
BARE_FLAGS = ("--hydra-help", "--resolve", "--run", "-r", "--multirun", "-m", "--shell-completion", "-sc")
INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
CFG = ("job", "hydra", "all")
VALUE_FLAGS = {
    "--cfg": CFG, "-c": CFG, "--info": INFO, "-i": INFO, "--package": (), "-p": (), "--config-path": (), "-cp": (),
    "--config-name": (), "-cn": (), "--config-dir": (), "-cd": (), "--experimental-rerun": (),
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with `argv` and return its exit code; without, be the process of the command line."""
    if argv is None:
        from mlexp import __main__ as process

        return process.main()
    try:
        code = obey(verb_first(list(argv)))
        sys.stdout.flush()  # here it can still be said that it failed
        return code
    except MlexpError as error:
        return report(error)
    except KeyboardInterrupt as stop:
        return report(Interrupted(str(stop) or "Stopped. What was recorded so far is kept."))


def obey(arguments: list[str]) -> int:
    """Do what the words say and return the exit code.

    Raises
    ------
    MlexpError
        What went wrong.
    """
    own = {OPTIONS[word] for word in arguments if word in OPTIONS}
    rest = [word for word in arguments if word not in OPTIONS]
    if is_verb(arguments):
        try:
            return verb(arguments[0])(arguments[1:])
        except SystemExit as left:  # argparse, after --help
            return int(left.code or 0)
    if "help" in own:
        print(HELP, end="")
        return 0
    if "version" in own:
        print(f"mlexp {__version__}")
        return 0
    return run_with_hydra(rest, -1 if "quiet" in own else int("verbose" in own), dry="dry" in own)


def verb_first(arguments: list[str]) -> list[str]:
    """Return the words with the options that were typed before a verb behind it.

    Examples
    --------
    >>> verb_first(["-q", "resume", "latest"]), verb_first(["-q", "seed=1"])
    (['resume', '-q', 'latest'], ['-q', 'seed=1'])
    """
    options = list(takewhile(lambda word: word in OPTIONS and OPTIONS[word] != "version", arguments))
    rest = arguments[len(options) :]
    return [rest[0], *options, *rest[1:]] if is_verb(rest) else arguments


def report(error: MlexpError) -> int:
    """Print an error as one line, or with its traceback under ``MLEXP_DEBUG=1``; return its exit code."""
    if os.environ.get("MLEXP_DEBUG") == "1":
        traceback.print_exception(error)
        return error.exit_code
    print(f"mlexp: {' '.join(str(error).split())}", file=sys.stderr)
    return error.exit_code


def is_verb(arguments: Sequence[str]) -> bool:
    """Return whether the first word is a verb: no ``=``, no option, no ``~key``."""
    return bool(arguments) and "=" not in arguments[0] and not arguments[0].startswith(("-", "~", "+"))


def verb(name: str) -> Callable[[Sequence[str]], int]:
    """Return the function of a verb."""
    if name not in VERBS:
        hint = did_you_mean(name, VERBS) or " Settings are written key=value."
        raise ConfigError(f"'{name}' is not a verb. Verbs: {', '.join(VERBS)}.{hint}")
    module, _, function = VERBS[name].partition(":")
    called: Callable[[Sequence[str]], int] = getattr(import_module(f"mlexp.verbs.{module}"), function)
    return called


def run_with_hydra(arguments: list[str], verbosity: int, *, dry: bool = False) -> int:
    """Let Hydra compose the configuration, and run it."""
    flags, settings = flags_first(arguments)
    config_dir = flag_value(arguments, "--config-dir", "-cd")
    warn_of_shadowed(config_dir)
    from mlexp.choices import spelt

    settings = spelt(settings, config_dir)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise its errors instead of printing them
    logging.raiseExceptions = False  # a reader that closes the pipe early is no error
    import hydra

    from mlexp import config as configuration

    command = ["mlexp", *arguments]
    asked: list[Asked] = []
    failed: list[Exception] = []

    def job(composed: DictConfig | list[str]) -> None:
        """Plan; an error waits until Hydra is out of the way, for Hydra would print a line of its own before it."""
        try:
            asked.append(planned(composed, command))
        except Exception as error:
            failed.append(error)

    configuration.register()
    try:
        sys.argv = ["mlexp", *flags, *settings]
        hydra.main(version_base="1.3", config_path="pkg://mlexp.conf", config_name="config")(job)()
        for error in failed:
            raise error
    except configuration.COMPOSITION_ERRORS as error:
        raise configuration.explain(error, settings, config_dir) from error
    return start(asked[0], command, verbosity, dry=dry) if asked else 0


def planned(composed: DictConfig | list[str], command: list[str]) -> Asked:
    """Return what to run: a sweep of what our sweeper was given, or what Hydra composed."""
    if isinstance(composed, list):
        from mlexp import sweeps

        return sweeps.plan(composed, command=command)
    from hydra.core.hydra_config import HydraConfig

    typed = list(HydraConfig.get().overrides.task)
    if composed.task.kind == "comparison":
        from mlexp import comparisons

        return comparisons.plan(typed, command=command)
    from mlexp import checks
    from mlexp import config as configuration

    config = configuration.checked(composed, typed)
    checks.check_single(config, typed)
    return config


def start(asked: Asked, command: list[str], verbosity: int, *, dry: bool) -> int:
    """Run a configuration or a sweep and return the exit code; when `dry`, only show what would run."""
    from mlexp.schema import Config

    if isinstance(asked, Config):
        if dry:
            print(f"1 job: {asked.task.name}. Its configuration: the same command with --cfg job")
            announce_search(asked, "with")
            return 0
        from mlexp import app
        from mlexp.terminal import Terminal

        app.run(asked, command=command, terminal=Terminal(verbosity))
        return 0
    from mlexp import comparisons, sweeps

    if isinstance(asked, comparisons.Study):
        if dry:
            comparisons.announce(asked)
            return 0
        return ended(comparisons.run(asked, verbosity=verbosity))
    if dry:
        sweeps.show(asked)
        announce_search(asked.first, "each with")
        return 0
    return ended(sweeps.run(asked, verbosity=verbosity))


def announce_search(config: Config, how: str) -> None:
    """Print what is searched before a job is trained, if anything is."""
    if config.tune.strategy is not None:
        from mlexp import tuning

        print(f"  {how} {tuning.planned(config)}")


def ended(outcome: Outcome) -> int:
    """Return exit code 0, or raise what went wrong in a sweep."""
    error = outcome.error()
    if error is not None:
        raise error
    return 0


def flags_first(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return Hydra's flags with their values, and the settings; Hydra's parser wants them apart.

    Raises
    ------
    ConfigError
        For a flag that neither Hydra nor mlexp knows.

    Examples
    --------
    >>> flags_first(["seed=1", "-m", "--cfg", "job", "a=2"])
    (['-m', '--cfg', 'job'], ['seed=1', 'a=2'])
    """
    flags: list[str] = []
    settings: list[str] = []
    words = iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if not word.startswith("-"):
            settings.append(word)
        elif flag in BARE_FLAGS:
            flags.append(word)
        elif flag in VALUE_FLAGS:
            value = value if equals else next(words, "all" if VALUE_FLAGS[flag] is INFO else "")
            if not value or (VALUE_FLAGS[flag] and value not in VALUE_FLAGS[flag]):
                allowed = f"one of {', '.join(VALUE_FLAGS[flag])}" if VALUE_FLAGS[flag] else "a value"
                raise ConfigError(f"{flag} needs {allowed} after it. Got '{value}'.")
            flags += [flag, value]
        else:
            near = did_you_mean(flag, [*OPTIONS, *BARE_FLAGS, *VALUE_FLAGS])
            raise ConfigError(f"'{flag}' is not a flag of mlexp.{near} See mlexp --help.")
    return flags, settings


def flag_value(arguments: Sequence[str], *names: str) -> str | None:
    """Return what follows a flag, as ``--flag value`` or ``--flag=value``."""
    for position, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else next(iter(arguments[position + 1 :]), None)
    return None


def warn_of_shadowed(config_dir: str | None) -> None:
    """Warn of files in the user's configuration folder that would be ignored."""
    if config_dir is None:
        return
    from mlexp.choices import shadowed

    for name in shadowed(config_dir):
        print(
            f"mlexp: warning: {name} in {config_dir} is ignored, for mlexp has a file of that name. Rename it.",
            file=sys.stderr,
        )


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the working folder: what lies there is data
    raise SystemExit(main())
