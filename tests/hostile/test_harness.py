"""The harness itself: it must see what it is there to see."""

from __future__ import annotations

from pathlib import Path

from tests.hostile import harness


def test_harness_sees_exit_codes_writes_imports_and_crashes(tmp_path: Path) -> None:
    results = harness.run(
        [
            ["--version"],
            ["model.epochs=none"],
            ["size=smoke", "figures=false", "-q"],
            ["size=smoke", "figures=false", "-q", "outputs=elsewhere"],
            ["task=classify", "model.name=this.X", "trusted_packages=[this]", "size=smoke", "dataset=iris"],
        ],
        tmp_path,
    )
    version, refused, ran, elsewhere, imported = results
    assert (version.code, version.stdout[:6]) == (0, "mlexp ")
    assert not version.troubles()
    assert refused.code == 2
    assert refused.stderr.startswith("mlexp: model.epochs")
    assert not refused.troubles()
    assert ran.code == 0
    assert not ran.troubles(), ran.troubles()
    assert any(line.endswith("elsewhere") for line in elsewhere.findings)
    assert "import: this" in imported.findings


def test_harness_outlives_hangs(tmp_path: Path) -> None:
    slow = ["model.epochs=100000", "model.patience=null"]
    hung, after = harness.run([slow, ["--version"]], tmp_path, limit=3)
    assert hung.code is None
    assert any("hangs" in line for line in hung.troubles())
    assert after.code == 0
