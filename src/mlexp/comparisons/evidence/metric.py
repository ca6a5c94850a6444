"""What is compared: a part and a measure, which way is better, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass

from mlexp import metrics
from mlexp.errors import ConfigError, did_you_mean
from mlexp.kinds import KINDS

DIVIDED = ("classification", "regression")  # kinds whose metrics are known for each part


def default(kind: str) -> str:
    """Return what runs of a kind are compared by unless a metric is named."""
    return f"{KINDS[kind].part}.{metrics.metrics_of(kind)[0]}"


@dataclass(frozen=True)
class PartMetric:
    """A measure of one part of the rows.

    Attributes
    ----------
    part : train, validation, test; all where the rows are not divided
    name : as `metrics.json` has it
    """

    part: str
    name: str

    @classmethod
    def parse(cls, text: str, kind: str = "") -> PartMetric:
        """Return the metric that ``part.name`` stands for.

        Raises
        ------
        ConfigError
            If it is not of that form, or runs of this kind do not record it.

        Examples
        --------
        >>> PartMetric.parse("test.accuracy").words
        'test accuracy'
        """
        part, dot, name = text.partition(".")
        if not (part and dot and name):
            raise ConfigError(f"The metric must be SET.NAME, such as test.accuracy. Got '{text}'.")
        recorded = metrics.metrics_of(kind) if kind in DIVIDED else ()
        known = [f"{one}.{word}" for one in ("train", "validation", "test") for word in recorded]
        if known and text not in known:
            raise ConfigError(
                f"The metric '{text}' is not recorded by a {kind}.{did_you_mean(text, known)} Metrics: "
                f"{', '.join(recorded)}, each of train, validation and test."
            )
        return cls(part, name)

    def __str__(self) -> str:
        return f"{self.part}.{self.name}"

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return self.row.title if self.part == "all" else f"{self.part} {self.row.title}"

    @property
    def row(self) -> metrics.Metric:
        """What is known of it, whatever the part."""
        return metrics.metric(self.name)

    @property
    def sign(self) -> int:
        """1 where more is better, −1 where less is."""
        return self.row.sign

    @property
    def is_share(self) -> bool:
        """Whether it is a share of the rows, whose differences are told in points (hundredths)."""
        return self.row.share

    @property
    def of_row(self) -> str | None:
        """Array of `predictions.npz` with its value on every row; None if it is not a mean over rows."""
        return f"{self.part}_{self.row.rows}" if self.row.is_mean else None

    @property
    def right_or_wrong(self) -> bool:
        """Whether a row's value is 1 for right and 0 for wrong."""
        return self.row.share and self.of_row is not None

    def difference(self, value: float) -> str:
        """Return a difference in words.

        Examples
        --------
        >>> PartMetric("test", "accuracy").difference(0.00213), PartMetric("test", "loss").difference(0.0123456)
        ('0.21', '0.01235')
        """
        return _plain(f"{100 * value:.2f}") if self.is_share else _plain(f"{value:.4g}")

    @property
    def unit(self) -> str:
        """What follows the number of a difference: points are differences of percentages."""
        return " points" if self.is_share else ""

    def value(self, value: float) -> str:
        """Return a value in words.

        Examples
        --------
        >>> PartMetric("test", "accuracy").value(0.9783), PartMetric("test", "loss").value(0.09461)
        ('97.83 %', '0.09461')
        """
        return f"{100 * value:.2f} %" if self.is_share else _plain(f"{value:.4g}")


def _plain(number: str) -> str:
    """Return a number with a minus sign as it is printed, and without minus nought."""
    return (number.lstrip("-") if float(number) == 0 else number).replace("-", "−")
