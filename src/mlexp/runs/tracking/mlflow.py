"""MLflow: parameters, metrics by epoch, figures, model and tags; the runs of a sweep within a run of their own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlexp.config.schema import Config

NOTE = "mlflow.json"  # in the folder: which run of which server it is
PARAMETERS, METRICS = 100, 1000  # MLflow takes at most so many at once
LONGEST = 6000  # characters of a parameter
SECONDS = 2.0  # between two batches of metrics
ENDS = {"completed": "FINISHED", "interrupted": "KILLED"}
# An unreachable server should say so in seconds, and no usage data are sent.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")


class MLflow:
    """Talks to a server, or to a file of SQLite in the outputs folder."""

    errors: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, config: Config) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Metric
        from mlflow.exceptions import MlflowException

        type(self).errors = (OSError, MlflowException)
        outputs = Path(config.outputs).resolve()
        self._metric = Metric
        own = config.tracking.uri is None
        if own:
            outputs.mkdir(parents=True, exist_ok=True)
        self._uri = config.tracking.uri or f"sqlite:///{outputs / 'mlflow.db'}"
        self._client = MlflowClient(self._uri)
        place = (outputs / "mlartifacts").as_uri() if own else None
        self._experiment = _experiment(self._client, config.tracking.experiment or config.task.name, place)
        self._waiting: list[Any] = []
        self._sent = time.monotonic()

    def started(self, folder: Path, info: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Begin a run, or resume the one that an earlier process began for this folder."""
        known = _note(folder)
        if known:
            self._run = known["run_id"]
            self._client.update_run(self._run, "RUNNING")
            return
        tags = {"mlexp.folder": str(folder), "mlexp.command": " ".join(info["command"])[:LONGEST]}
        tags |= {f"mlexp.{name}": str(info[name]) for name in ("config_hash", "hash") if name in info}
        if parent := _note(folder.parents[1] if folder.parent.name == "runs" else folder.parent):
            tags["mlflow.parentRunId"] = parent["run_id"]
        run = self._client.create_run(self._experiment, tags=tags, run_name=folder.name)
        self._run = run.info.run_id
        note = {"uri": self._uri, "experiment_id": self._experiment, "run_id": self._run}
        (folder / NOTE).write_text(json.dumps(note) + "\n", encoding="utf-8")
        self._parameters(settings)

    def epoch(self, row: Mapping[str, float]) -> None:
        """Keep the numbers of an epoch, and send them every few seconds."""
        self._keep({name: value for name, value in row.items() if name != "epoch"}, int(row["epoch"]))
        if time.monotonic() - self._sent > SECONDS or len(self._waiting) > METRICS // 2:
            self._send()

    def ended(self, folder: Path, status: str, metrics: Mapping[str, float]) -> None:
        """Send the last numbers, figures, tables and model, and close the run."""
        note = _note(folder)
        if note is None:
            return
        self._run = note["run_id"]
        self._keep(metrics, 0)
        self._send()
        for name in ("figures", "tables"):
            if (folder / name).is_dir():
                self._client.log_artifacts(self._run, str(folder / name), name)
        for file in sorted(folder.glob("*")):
            if file.name in ("model.npz", "model.skops", "preparation.skops"):
                self._client.log_artifact(self._run, str(file), "model")
            elif file.name in (
                "config.yaml",
                "report.html",
                "summary.csv",
                "predictions.npz",
                "comparison.json",
            ):
                self._client.log_artifact(self._run, str(file))
        self._client.set_tag(self._run, "mlexp.status", status)
        self._client.set_terminated(self._run, ENDS.get(status, "FAILED"))

    def _parameters(self, settings: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        params = [Param(key, str(value)[:LONGEST]) for key, value in settings.items()]
        for start in range(0, len(params), PARAMETERS):
            self._client.log_batch(self._run, params=params[start : start + PARAMETERS])

    def _keep(self, numbers: Mapping[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        self._waiting += [self._metric(name, float(value), now, step) for name, value in numbers.items()]

    def _send(self) -> None:
        for start in range(0, len(self._waiting), METRICS):
            self._client.log_batch(self._run, metrics=self._waiting[start : start + METRICS])
        self._waiting.clear()
        self._sent = time.monotonic()


def _experiment(client: Any, name: str, place: str | None) -> str:
    """Return the number of an experiment, made if no other process has made it first."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return str(found.experiment_id)


def _note(folder: Path) -> dict[str, Any] | None:
    path = folder / NOTE
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else None
