"""The reports' test over the epochs of two runs: reproduced because it is published, and marked as not valid."""

from __future__ import annotations

from dataclasses import replace

from mlexp.stats.effects import spearman
from mlexp.stats.outcome import Outcome
from mlexp.stats.scope import Scope
from mlexp.stats.ttests import paired_t

NOT_VALID = "epochwise (not valid: epochs of one run are not independent)"
FALSE_ALARMS = (0.21, 0.74)
REASON = (
    "the epochs of one run are one run looked at many times, not a sample of runs: with the same configuration "
    "in both arms and another seed it rejects in 21 to 74 % of comparisons where 5 % is claimed"
)


def epochwise(a: object, b: object, *, level: float = 0.95) -> Outcome:
    """Compute the paired t test over epochs, its interval and Spearman's rho, and say why they show nothing.

    The numbers are those of `paired_t` and `spearman` on the two learning curves. Measured on handwritten digits
    (same configuration, other seed, 200 pairs of runs) the t test rejects a true null in 21 to 74 % of
    comparisons; tests over 10 against 10 seeds do in about 5 %.

    Parameters
    ----------
    a, b : one score an epoch, shape (n_epochs,), cut to the same number of epochs, at least 3
    level : nominal confidence level of the interval, default 0.95

    Returns
    -------
    Outcome with valid=False and the reason; false_alarm_low and false_alarm_high in `details`, rho in
    `second_line`.

    Examples
    --------
    >>> outcome = epochwise([0.80, 0.90, 0.95], [0.70, 0.88, 0.96])
    >>> outcome.valid, outcome.name
    (False, 'epochwise (not valid: epochs of one run are not independent)')
    """
    scope = Scope(
        note="shows nothing about the two arms; given only for comparison with reports that used it"
    )
    rho = replace(
        spearman(a, b, level=level),
        name=f"Spearman rho, {NOT_VALID}",
        scope=scope,
        valid=False,
        reason=REASON,
    )
    outcome = paired_t(a, b, level=level)
    alarms = {"false_alarm_low": FALSE_ALARMS[0], "false_alarm_high": FALSE_ALARMS[1]}
    reason = REASON if outcome.testable else f"{outcome.reason}; and {REASON}"
    return replace(
        outcome,
        name=NOT_VALID,
        scope=scope,
        valid=False,
        reason=reason,
        details=outcome.details | alarms,
        n={"epochs": outcome.n["pairs"]},
        second_line=rho,
    )
