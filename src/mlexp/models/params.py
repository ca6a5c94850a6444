"""What `model.params` may hold: values that the estimator knows, none that names a file or stands for code.

A configuration holds numbers, words, lists and mappings only. scikit-learn states for each parameter what it
accepts; a parameter that accepts an object with methods (a cache, an estimator) or free text is refused by that,
whatever its name is. Classes that state nothing are checked by the names of their parameters.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlexp.errors import ConfigError, did_you_mean, shortened

# Free text that is the name of a metric, a score or a label; all other free text of scikit-learn is refused.
NAMES_OF_THINGS = ("metric", "scoring", "constant", "outlier_label", "pos_label", "threshold")
READS_FILES = {"filename", "file"}
NAMES_A_FILE = re.compile(
    r"(^|_)(memory|cache|path|paths|file|files|filename|dir|directory|folder|location|callbacks?|logger|log|"
    r"storage|uri|url|checkpoint)(_|$)"
)


def check_params(estimator_class: Any, params: Mapping[str, Any]) -> None:
    """Check `model.params` against the signature of the estimator and the values that it states itself.

    Raises
    ------
    ConfigError
        An unknown parameter, a value out of range, or a parameter that names a file or takes an object.
    """
    name = estimator_class.__name__
    accepted = [key for key in inspect.signature(estimator_class).parameters if key != "kwargs"]
    for key in params:
        if key not in accepted:
            near = did_you_mean(key, accepted)
            raise ConfigError(
                f"model.params.{shortened(key)} is not a parameter of {name}.{near} It has: {', '.join(accepted)}."
            )
    constraints = getattr(estimator_class, "_parameter_constraints", {})
    for key, value in params.items():
        if why := refusal(key, value, constraints.get(key)):
            raise ConfigError(
                f"model.params.{key} of {name} {why}. Leave it out. Got {shortened(repr(value))}."
            )
    from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

    known = {key: value for key, value in params.items() if key in constraints}
    try:
        validate_parameter_constraints(constraints, known, name)
    except InvalidParameterError as error:
        raise ConfigError(f"model.params: {shortened(str(error), 600)}") from error


def refusal(key: str, value: Any, constraints: Sequence[Any] | str | None) -> str:
    """Say why a parameter cannot take a value from a configuration; nothing if it can.

    Parameters
    ----------
    key, value : the parameter
    constraints : what scikit-learn states of it; None or a text where nothing is stated

    Examples
    --------
    >>> refusal("memory", "cache", None)
    'names a file or takes an object, which a configuration must not'
    >>> refusal("memory", None, None), refusal("cache_size", 200, None)
    ('', '')
    """
    from sklearn.utils._param_validation import HasMethods, Options, make_constraint

    if value is None or isinstance(value, bool | int | float):
        return ""
    by_name = "names a file or takes an object, which a configuration must not"
    if constraints is None or isinstance(constraints, str):
        return by_name if NAMES_A_FILE.search(key) else ""
    stated = [make_constraint(constraint) for constraint in constraints]
    enumerated = [option for one in stated if isinstance(one, Options) for option in one.options]
    if READS_FILES & set(map(str, enumerated)):
        return by_name
    if isinstance(value, str) and value in enumerated:
        return ""
    if any(isinstance(one, HasMethods) for one in stated):
        return "takes an object, which a configuration cannot hold"
    if isinstance(value, str) and str in constraints and key not in NAMES_OF_THINGS:
        return "takes free text, which a configuration must not pass on"
    return by_name if NAMES_A_FILE.search(key) else ""
