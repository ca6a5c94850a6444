"""Number of clusters, their agreement with the classes where there are any, and else their separation."""

from __future__ import annotations

from collections.abc import Mapping

from mlexp.kinds.clustering.names import called
from mlexp.page.study import RecordedRun, Said, by_method, three
from mlexp.page.words import SPACE, listed, percent

VERDICTS = (  # least adjusted Rand index, and what is said of one and of several methods
    (0.9, "recovers the classes", "recover the classes"),
    (0.5, "recovers the classes in part", "recover the classes in part"),
    (0.2, "agrees with the classes weakly", "agree with the classes weakly"),
    (-1.0, "does not find the classes", "do not find the classes"),
)
CLEAR, MIXED = 0.8, 0.5  # purity from which a cluster is clear, below which it is mixed
CLEAR_SHARE = f"{100 * CLEAR:.0f}{SPACE}%"
CLEAREST = 3  # clusters named where none is clear
NAMED = 12  # clusters named in a sentence
LABELS = {"ari": "Adjusted Rand index", "purity": "Purity", "silhouette": "Silhouette"}


def question(study: RecordedRun) -> str:
    """Return the question."""
    return f"Which clusters are there in {study.data}?"


def answer(study: RecordedRun) -> Said:
    """Evaluate the clusters by the classes where there are any; else by their separation."""
    methods = by_method(study, "k")
    evaluated = {name: scores for name, scores in methods.items() if "ari" in scores}
    best = best_method(methods)
    sentences = _by_truth(evaluated) if evaluated else _by_separation(study, methods, best)
    if evaluated:
        sentences += [
            _size(study, methods[best], best),
            *_silhouette(methods, best),
            *clear_and_mixed(study, best),
        ]
    return sentences, three(methods[best], LABELS, called(best))


def best_method(methods: Mapping[str, Mapping[str, float]]) -> str:
    """Return the method that agrees best with the classes; where there are none, the one of the highest silhouette."""
    score = "ari" if any("ari" in scores for scores in methods.values()) else "silhouette"
    return max(methods, key=lambda method: methods[method].get(score, -1.0))


def _by_truth(methods: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Say which methods find the classes, by the adjusted Rand index."""
    ari = {name: methods[name]["ari"] for name in sorted(methods, key=lambda name: -methods[name]["ari"])}
    said, above = [], float("inf")
    for least, one, many in VERDICTS:
        names = [name for name in ari if least <= ari[name] < above]
        above = least
        if names:
            who = listed([f"{called(name)} ({ari[name]:.3f})".replace("(-", "(−") for name in names], 9)
            said.append(f"{who} {one if len(names) == 1 else many}")
    return [
        f"{'; '.join(said)}.",
        "In brackets: adjusted Rand index of clusters and classes (1: identical groups, 0: chance). No method "
        "used the classes.",
    ]


def _by_separation(study: RecordedRun, methods: Mapping[str, Mapping[str, float]], best: str) -> list[str]:
    facts, scores, name = study.info["facts"], methods[best], called(best)
    finds = (
        f"Of {len(methods)} methods, {name} gives the best-separated clusters:"
        if len(methods) > 1
        else f"{name} finds"
    )
    apart = scores.get("silhouette")
    measured = (
        f"; their silhouette is {apart:.3f} (1: well separated, 0: overlapping)" if apart is not None else ""
    )
    return [
        f"{finds} {scores['clusters']:.0f} clusters in {facts['rows']:,} {study.things} ({facts['why'][best]})"
        f"{measured}{_noise(scores)}."
    ]


def _size(study: RecordedRun, scores: Mapping[str, float], best: str) -> str:
    facts = study.info["facts"]
    n = f"{scores['clusters']:.0f} cluster{'s' * (scores['clusters'] != 1)}"
    classes = len(study.info["dataset"]["classes"])
    return (
        f"{called(best)} has {n} in {facts['rows']:,} {study.things} of {classes} classes ({facts['why'][best]})"
        f"{_noise(scores)}."
    )


def _noise(scores: Mapping[str, float]) -> str:
    return (
        f"; {percent(scores['noise'])} of the samples are noise, in no cluster" if scores.get("noise") else ""
    )


def _silhouette(methods: Mapping[str, Mapping[str, float]], best: str) -> list[str]:
    """Say so where the silhouette would rank another method first, and why that is no objection."""
    apart = {name: scores["silhouette"] for name, scores in methods.items() if "silhouette" in scores}
    if not apart or (compact := max(apart, key=lambda name: apart[name])) == best:
        return []
    return [
        f"The silhouette, which uses no classes and favours compact clusters, is highest for {called(compact)} "
        f"({apart[compact]:.3f}); here the most compact clusters are not the ones that agree best with the classes."
    ]


def clear_and_mixed(study: RecordedRun, method: str) -> list[str]:
    """Name the clusters that hold mostly one class, and those that hold several."""
    table = study.run.tables.get("clusters")
    if table is None or "purity" not in table:
        return []
    rows = [
        (name, float(purity), common)
        for of, name, purity, common in zip(
            table["method"], table["cluster"], table["purity"], table["most_frequent_class"], strict=True
        )
        if of == method and name != "noise"
    ]
    rows.sort(key=lambda row: -row[1])
    clear = [f"{name} ({common})" for name, purity, common in rows if purity >= CLEAR]
    mixed = [name for name, purity, _ in rows[::-1] if purity < MIXED]
    said = []
    if len(clear) == len(rows):
        said.append(f"Every cluster is clear, with at least {CLEAR_SHARE} of its samples from one class")
    elif clear:
        said.append(
            f"{len(clear)} of {len(rows)} clusters are clear, with at least {CLEAR_SHARE} of their samples from one "
            f"class: {listed(clear, NAMED)}"
        )
    else:
        best = [f"{name} ({common}, {percent(purity)})" for name, purity, common in rows[:CLEAREST]]
        said.append(
            f"No cluster has {CLEAR_SHARE} of its samples from one class; the clearest are {listed(best)}"
        )
    if mixed:
        said.append(f"{len(mixed)} mix several, with less than half from one class: {listed(mixed, NAMED)}")
    return [f"{'; '.join(said)}."]
