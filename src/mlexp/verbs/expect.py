"""``mlexp expect``: check the results of a run, sweep or comparison against conditions; exit code 7 if one fails."""

from __future__ import annotations

from collections.abc import Sequence

from mlexp.errors import ConfigError
from mlexp.store import find
from mlexp.verbs import add_run, parser
from mlexp.verbs.machine import tell

EXAMPLES = """mlexp expect latest 'test.accuracy >= 0.95' 'seconds <= 60'
  mlexp expect mnist_sigmoid_vs_relu 'verdict == relu' 'relu - sigmoid >= 0.002'
  mlexp expect latest     the conditions of its key expect"""


def expect(arguments: Sequence[str]) -> int:
    """Check results against conditions: a metric, an operator and a number each; exit code 7 if one is not met.

    Of a sweep every job must meet them. Of a comparison there are also verdict (an arm, none or equivalent), difference
    and p of the two best arms, mean.ARM, and 'A - B', the difference of the means of two arms.
    """
    words = parser("expect", expect.__doc__, EXAMPLES, "conditions that are not met")
    add_run(words)
    words.add_argument(
        "conditions",
        nargs="*",
        metavar="CONDITION",
        help="such as 'test.accuracy >= 0.95', in quotes (default: those of the key expect of its configuration)",
    )
    parsed = words.parse_args(arguments)
    from mlexp.config import conditions, yamltext
    from mlexp.report import expected

    path = find(parsed.run, parsed.outputs)
    wanted = conditions.of_words(parsed.conditions)
    if not wanted and (path / "config.yaml").exists():
        wanted = conditions.of(yamltext.read(path / "config.yaml")["expect"])
    if not wanted:
        raise ConfigError(
            f"mlexp expect needs conditions, such as 'test.accuracy >= 0.95': {path} has none at its key expect."
        )
    checks = expected.checked(path, wanted)
    tell(folder=str(path), expect=list(expected.told(checks)))
    for one in checks if not parsed.quiet else ():
        if one.met:
            print(f"met: {one.condition}: {one.words}")
    expected.hold(path, checks)
    return 0
