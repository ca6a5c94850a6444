"""The verbs of the command line, one module each: a function of the words after the verb that returns an exit code."""

from __future__ import annotations

import argparse


def parser(verb: str, description: str | None, example: str) -> argparse.ArgumentParser:
    """Return the parser of a verb, whose ``--help`` ends with an example; it says the usage when words are wrong."""
    return argparse.ArgumentParser(
        prog=f"mlexp {verb}",
        description=description,
        epilog=f"example\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
