"""What a record says of the packages."""

from __future__ import annotations

import importlib.metadata

from mlexp.store import environment


def test_versions_are_those_that_python_finds_in_the_metadata() -> None:
    found = environment.versions()
    assert {"numpy", "matplotlib", "hydra-core", "mlexp"} <= set(found)
    for package in environment.PACKAGES:
        assert found[package] == importlib.metadata.version(package)
