"""A plugin of mlexp with one piece of each sort."""

from mlexp.config.readers import Reader
from mlexp.kinds import Kind
from mlexp.metrics.table import Metric
from mlexp.plugins import Plugin
from mlexp_example.activations import mish
from mlexp_example.figures import RECALLS
from mlexp_example.metrics import g_mean

PLUGIN = Plugin(
    metrics=[
        Metric("g_mean", "geometric mean of recalls", ("classification",), limits=(0, 1), score=g_mean),
    ],
    figures={"classification": {"recalls": RECALLS}},
    readers={
        "svmlight": Reader({"path": "name a file of svmlight format"}, module="mlexp_example.svmlight"),
    },
    activations={"mish": mish},
    kinds=[Kind("majority", compares=True, metrics=("accuracy",), package="mlexp_example.majority")],
)
