"""What the methods are called in sentences and titles."""

from __future__ import annotations

TITLES = {
    "pca": "PCA", "tsne": "t-SNE", "lle": "LLE", "mds": "MDS", "isomap": "Isomap", "umap": "UMAP",
    "opentsne": "openTSNE",
}  # fmt: skip


def called(name: str) -> str:
    """Return the name of a method as prose writes it; one of several settings has its number behind it.

    Examples
    --------
    >>> called("tsne"), called("lle_30"), called("tsne_5")
    ('t-SNE', 'LLE (30 neighbours)', 't-SNE (perplexity 5)')
    """
    method, _, value = name.rpartition("_")
    if method in TITLES:
        return f"{TITLES[method]} ({f'perplexity {value}' if 'tsne' in method else f'{value} neighbours'})"
    return TITLES.get(name, name)
