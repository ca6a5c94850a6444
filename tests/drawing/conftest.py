import pytest


@pytest.fixture(autouse=True)
def _styled(styled: None) -> None:
    """All figures here are drawn as the program draws them."""
