"""The question of a run, and its answer in sentences: recorded numbers put into words, with how sure they are."""

from __future__ import annotations

from collections.abc import Callable

from mlexp.config.names import spelled
from mlexp.page.page import Answer, KeyFigure
from mlexp.page.study import Study
from mlexp.page.words import duration, listed, number
from mlexp.report import predictions, structure

Told = tuple[list[str], list[KeyFigure]]

# kind -> sentences and key figures of a run that completed
ANSWERS: dict[str, Callable[[Study], Told]] = {
    "classification": predictions.classification,
    "regression": predictions.regression,
    "features": predictions.features,
    "autoencoder": structure.autoencoder,
    "layers": structure.layers,
    "explore": structure.explore,
    "by_hand": structure.by_hand,
    "clustering": structure.clustering,
    "embedding": structure.embedding,
}
QUESTIONS = {
    "classification": "How well does a {model} recognise the classes of {data}?",
    "regression": "How well does a {model} predict {target} of {data}?",
    "features": "Which features of {data} serve a classifier best?",
    "autoencoder": "How well can an autoencoder rebuild {data}?",
    "layers": "What do the layers of a network see in {data}?",
    "explore": "What is in {data}?",
    "by_hand": "What does the calculation of {task} come to?",
    "clustering": "Which groups are there in {data}?",
    "embedding": "What does {data} look like in two dimensions?",
    "pca": "How many principal components does {data} need?",
}
UNFINISHED = {
    "running": "The run is not over yet; no test row has been read.",
    "interrupted": "The run was stopped before its end and can go on from there; no test row has been read.",
    "diverged": "No answer: the training diverged, its loss grew beyond all numbers.",
    "failed": "No answer: the run failed.",
}


def answer(study: Study) -> Answer:
    """Return question, sentences and key figures of a run; of one that did not complete, how far it came."""
    asked = QUESTIONS.get("pca" if study.pca_alone else study.kind, "What came out of {task}?")
    question = asked.format(
        model=study.model, data=study.data, target=study.target, task=study.info["task"]["name"]
    )
    status = study.info["status"]
    if status != "completed" or not study.metrics:
        return Answer(question, [UNFINISHED.get(status, "The run left no scores.")], _progress(study))
    (first, *others), figures = ANSWERS.get(study.kind, _other)(study)
    return Answer(question, [first, *_tuned(study), *others], figures)


def _other(study: Study) -> Told:
    found = [f"{spelled(name)} {number(value)}" for name, value in study.scores.items()]
    labels = {name: spelled(name) for name in list(study.scores)[:3]}
    return [f"{study.part.capitalize()}: {listed(found)}."], study.figures(labels)


def _tuned(study: Study) -> list[str]:
    if not study.tuning:
        return []
    values = [f"{key} = {value}" for key, value in study.tuning["chosen"]["values"].items()]
    return [
        f"Its settings did best of {study.tuning['n_trials']:,} tried without a test row: {listed(values)}."
    ]


def _progress(study: Study) -> list[KeyFigure]:
    epochs, wall = study.run.history.get("epoch", ()), study.info.get("wall_seconds")
    return [
        *([KeyFigure("Epochs done", f"{len(epochs):,}")] if len(epochs) else []),
        *([KeyFigure("Time", duration(wall))] if wall is not None else []),
    ]
