"""What a configuration may not say, and who may say what: nothing in it is called, imported or evaluated.

Three doors ask here: a file of the person's own (`ownfiles`), a typed word and a composed configuration (`config`).
What is refused at one of them has not been looked at by Hydra or OmegaConf.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlexp.config.names import GROUPS
from mlexp.config.overrides import Override
from mlexp.config.schema import Config, declared
from mlexp.config.yamltext import DEEPEST, leaves
from mlexp.errors import ConfigError, shortened

# What is written where, sent where and imported from where: never taken from a file that a stranger may have written.
TYPED_ONLY = ("trusted_packages", "outputs", "sweep.dir", "execution", "tracking.uri")
NOT_OF_A_SET = ("hydra", "sweep", "trusted_packages", "outputs", "execution", "tracking.uri")
LONGEST_WORD = 100_000  # characters
MOST_TYPED = 5_000  # values in a word: Hydra's parser takes a millisecond for each
LONGEST_NAME = 200
LONGEST_NUMBER = 1000
MOST_REFERRED = 20_000  # values that references stand for
REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*(?:\.\w+)*)\}")
CALLS = re.compile(r"_[a-z]+_")  # Hydra's _target_, _args_, _partial_ ...


def within(key: str, nodes: Sequence[str]) -> bool:
    """Return whether a key is one of `nodes` or lies in one of them.

    Examples
    --------
    >>> within("execution.workers", ("execution",)), within("sweep.zip", ("sweep.dir",))
    (True, False)
    """
    return any(key == node or key.startswith(f"{node}.") for node in nodes)


def check_input(overrides: Iterable[Override]) -> None:
    """Refuse typed words before Hydra parses them: what concerns Hydra, and what would take too long to read.

    Raises
    ------
    ConfigError
        The message names the word.
    """
    for override in overrides:
        word, key = override.text, override.key.strip()
        shown = shortened(word)
        if len(word) > LONGEST_WORD or len(re.findall("[,:]", word)) > MOST_TYPED:
            raise ConfigError(
                f"{shown}: a word has at most {LONGEST_WORD:,} characters and {MOST_TYPED:,} values. Write it into a "
                "file of your own (--config-dir), or as range(0,9999)."
            )
        if not word.isprintable() and any(sign < " " or "\ud800" <= sign <= "\udfff" for sign in word):
            raise ConfigError(f"{shown!r} holds a control character, or is not UTF-8. Write it without.")
        if re.search(rf"\d{{{LONGEST_NUMBER}}}", word):
            raise ConfigError(f"{shown}: a number has less than {LONGEST_NUMBER} digits.")
        if _depth(word) > DEEPEST:
            raise ConfigError(f"{shown}: values are nested more than {DEEPEST} levels.")
        if re.match(r"""[\s"'+~]*hydra\s*($|[./@=])""", word):
            raise ConfigError(f"{shown}: mlexp sets what concerns Hydra itself. Leave it out.")
        if "@" in key or "$" in key or len(key) > LONGEST_NAME:
            raise ConfigError(f"{shown}: a key is made of names and dots. Write key=value.")
        value = override.value or ""
        # A word that chooses files of a group
        if (key in GROUPS or "/" in key) and not value.lstrip().startswith("{"):
            check_names(value, shown)


def check_names(names: str, shown: str) -> None:
    """Refuse names of files that lead out of their folder, or that are made from something else."""
    parts = re.split(r"[/,()\[\]=*\s]+", names)
    if re.search(r"[${}\\]|^\s*/", names) or ".." in parts or any(len(part) > LONGEST_NAME for part in parts):
        raise ConfigError(f"{shown}: the name of a choice is that of a file in its folder. See mlexp list.")


def _depth(word: str) -> int:
    """Return how many brackets are open at once."""
    deepest = depth = 0
    for sign in re.findall(r"[\[\](){}]", word):
        depth += 1 if sign in "[({" else -1
        deepest = max(deepest, depth)
    return deepest


def check_set(where: str, overrides: Sequence[Override], more: Sequence[str] = ()) -> None:
    """Refuse settings of one job or arm that a whole command has only one of, `more` among them.

    Raises
    ------
    ConfigError
        The message names the place and the key.
    """
    for override in overrides:
        key = override.key.strip().partition("/")[0]
        if not re.fullmatch(r"[+~]{0,2}\w[^\s@$=+~]*=.*", override.text, re.DOTALL):
            raise ConfigError(
                f"{shortened(where)}: {shortened(override.text)} cannot be read; keys are made of names and dots."
            )
        if within(key, (*NOT_OF_A_SET, *more)) or key == "tracking":
            raise ConfigError(
                f"{shortened(where)}: {shortened(key)} cannot be set there, it holds for the whole command: type it."
            )
    check_input(overrides)


def check_plain(values: Mapping[str, Any]) -> None:
    """Refuse whatever in a configuration, its references not yet followed, asks for more than a value.

    A reference is ``${key}``: it stands for a plain value of this configuration. Whatever else Hydra and OmegaConf
    would follow, such as ``${oc.env:HOME}`` or ``_target_``, is refused.

    Raises
    ------
    ConfigError
        The message names the key.
    """
    referred = 0
    for path, text in _texts(values):
        if "${" not in text:
            continue
        if "${" in REFERENCE.sub("", text):
            raise ConfigError(
                f"{shortened(path)} must be a plain value, or refer to another key as in ${{seed}} or ${{model.l2}}. "
                f"Got {shortened(text)}."
            )
        for found in REFERENCE.finditer(text):
            target = _at(values, found[1])
            texts = [inner for _, inner in _texts({"": target})]
            if any("${" in inner for inner in texts):
                raise ConfigError(
                    f"{shortened(path)}: {found[0]} refers to a key that holds a reference itself. Write the value."
                )
            referred += len(texts) + len(target if isinstance(target, str) else "") // 64
    if referred > MOST_REFERRED:
        raise ConfigError(f"References stand for more than {MOST_REFERRED:,} values. Write fewer of them.")


def _at(values: Any, path: str) -> Any:
    """Return what a reference names; one that leads nowhere is OmegaConf's to complain of."""
    for name in path.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def _texts(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and text of every value, and of every key that is not a plain name."""
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(name, str) and (CALLS.fullmatch(name) or "${" in name):
            raise ConfigError(
                f"{shortened(path)} is not a key: mlexp calls nothing that a configuration names. Leave it out."
            )
        if isinstance(value, Mapping):
            yield from _texts(value, f"{path}.")
        elif isinstance(value, list):
            yield from _texts(dict(enumerate(value)), f"{path}.")
        else:
            yield path, value if isinstance(value, str) else ""


def check_own(values: Mapping[str, Any], prefix: str, group: str) -> None:
    """Refuse what a file of one's own may not set; `prefix` is what its keys are put behind.

    Raises
    ------
    ConfigError
        The message names the key.
    """
    for path, value in leaves(values, declared(), prefix):
        if within(path, ("hydra",)):
            raise ConfigError("hydra is not a key: mlexp sets what concerns Hydra itself. Leave it out.")
        if not within(path, TYPED_ONLY) or (group in ("execution", "tracking") and within(path, (group,))):
            continue
        if path not in declared() or value != _default(path):
            raise ConfigError(
                f"{shortened(path)} counts only where it is typed, not in a file. Leave it out there, and add "
                f"{shortened(path)}=... to the command."
            )


def _default(path: str) -> Any:
    value: Any = Config()
    for name in path.split("."):
        value = getattr(value, name)
    return value
