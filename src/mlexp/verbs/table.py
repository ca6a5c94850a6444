"""The words of the command line: verbs, flags and what ``--help`` prints of them.

Everything else on a command line is a setting of a run.
"""

from __future__ import annotations

HELP = """\
mlexp: reproducible machine-learning experiments from YAML

  mlexp                                           handwritten digits: no download, done in seconds
  mlexp task=mnist_mlp model.activation=relu      one run
  mlexp -m task=mnist_mlp model.activation=sigmoid,relu seed=0,1,2      a sweep over all combinations
  mlexp task=mnist_mlp tune=grid                  hyperparameter search on the validation set, then one test
  mlexp task=mnist_sigmoid_vs_relu                is A better than B? repeated runs, tests, an answer in words
  mlexp task=classify dataset=csv dataset.path=my.csv dataset.label=species      your own table
  mlexp task=mnist_mlp size=smoke                 any task in seconds, to check that it works

verbs
  mlexp list [tasks|datasets|models|...|runs]     available names; or past runs, newest first
  mlexp show RUN                                  summary of a run or sweep and its results
  mlexp report RUN | --all                        rebuild its report and figures; --all: an index of all runs
  mlexp ui                                        watch, compare and explore runs in the browser
  mlexp compare RUN ... [--by KEY]                is one setting better? tests on existing runs
  mlexp why CASE                                  which unstated settings explain published figures?
  mlexp predict RUN new.csv                       predictions for new samples or images
  mlexp export RUN --onnx FILE | --config FILE    export the model (ONNX) or a task file that repeats the run
  mlexp rerun RUN                                 repeat a run: identical bytes, or what differs and why
  mlexp resume RUN                                resume an interrupted run or sweep
  mlexp data [list|fetch|verify] [NAME]           locate, download and verify data sets
  mlexp expect RUN 'test.accuracy >= 0.95'        check results, for CI: exit code 7 if they are not as expected
  mlexp clean                                     remove failed or old runs, after confirmation
  mlexp explain KEY | GROUP=CHOICE                what a key or a choice means; mlexp schema: all keys, for editors
  mlexp init [NAME]                               write a study of your own: files to change, data, a README
  mlexp completion bash|zsh|fish                  tab completion: eval "$(mlexp completion bash)"
  mlexp doctor                                    diagnose the installation
  RUN is a folder, the name of a task (its newest run), or latest; every verb has --help with an example

flags
  --cfg job            print the configuration and exit
  --info config        print where the configuration comes from and exit
  --config-dir DIR     your own folders task/, dataset/, model/, in addition to the built-in ones; also MLEXP_CONFIG_DIR
  --plugin NAME        load an installed plugin that you trust (or set MLEXP_PLUGINS=NAME)
  -m, --multirun       run every combination of the comma-separated values, on all cores
  --dry-run            print what would run and exit
  -q, --quiet          print only the run folder
  -v, --verbose        print every epoch and the preparation of the data
  --json               one JSON object on the standard output instead, errors too; progress on the standard error
  --details            comparisons: also print the test, its scope of inference and all p-values
  -h, --help           print this help
  --version

exit codes: 0 success, 1 internal error, 2 configuration, 3 data, 4 diverged, 5 interrupted, 6 some runs failed,
            7 results not as expected
"""

OPTIONS = {
    "-h": "help", "--help": "help", "--version": "version",
    "-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose", "--dry-run": "dry",
    "--details": "details", "--json": "json",
}  # fmt: skip
BEFORE_VERBS = (
    *(word for word in OPTIONS if word != "--version"),
    "-m",
    "--multirun",
)  # flags that may precede a verb
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
    "expect": "expect:expect",
    "explain": "explain:explain",
    "schema": "explain:schema",
    "why": "why:why",
    "init": "init:init",
    "completion": "completion:completion",
    "ui": "ui:ui",
}  # verb -> module in verbs/ and its function, imported when used
FLAGS = {
    "-m": "multirun", "--multirun": "multirun", "-c": "cfg", "--cfg": "cfg", "-i": "info", "--info": "info",
    "-cd": "config_dir", "--config-dir": "config_dir",
}  # fmt: skip
VALUES: dict[str, tuple[str, ...]] = {
    "cfg": ("job",),
    "info": ("config",),
    "config_dir": (),
}  # flag -> allowed values; empty: any value
OF_HYDRA = (
    "--hydra-help", "--resolve", "--run", "-r", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn",
    "--experimental-rerun", "-sc", "--shell-completion",
)  # fmt: skip
