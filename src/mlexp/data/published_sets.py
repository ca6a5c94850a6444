"""The published image sets: file names, checksums, class names and where the public copies are."""

from __future__ import annotations

from dataclasses import dataclass

DIGITS = tuple("0123456789")
GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXY")  # Z, like J, is a motion; J keeps its number, 9, in the files


@dataclass(frozen=True)
class KnownFile:
    """A file by its unpacked name, and the SHA-256 of its unpacked bytes (one for each accepted form)."""

    name: str
    sums: tuple[str, ...]


@dataclass(frozen=True)
class PublishedSet:
    """A published set of pictures, 28 x 28 bytes each.

    Attributes
    ----------
    folders : names of the folder that holds it, in any data folder
    files : role (X, y, X_test, y_test; or train, test for tables) -> file
    n_train, n_test : rows of the two parts
    labels : name of each number that stands for a class in the files
    mirrors : addresses in which {file} stands for the unpacked name
    suffix : ending of the files at the mirrors
    """

    folders: tuple[str, ...]
    files: dict[str, KnownFile]
    n_train: int
    n_test: int
    labels: tuple[str, ...]
    mirrors: tuple[str, ...]
    suffix: str = ".gz"

    @property
    def n_classes(self) -> int:
        """Number of classes that occur (Sign MNIST has no J)."""
        return len(self.labels) - (self.labels == LETTERS)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the decoded arrays."""
        train, test = self.n_train, self.n_test
        return {"X": (train, 784), "y": (train,), "X_test": (test, 784), "y_test": (test,)}


def _idx(*sums: str) -> dict[str, KnownFile]:
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    roles = ("X", "y", "X_test", "y_test")
    return {
        role: KnownFile(f"{name}-ubyte", (one,)) for role, name, one in zip(roles, names, sums, strict=True)
    }


KNOWN = {
    "mnist": PublishedSet(
        ("mnist",),
        _idx(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        60_000,
        10_000,
        DIGITS,
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/{file}",
            "https://storage.googleapis.com/cvdf-datasets/mnist/{file}",
        ),
    ),
    "fashion_mnist": PublishedSet(
        ("fashion-mnist", "fashion_mnist"),
        _idx(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        60_000,
        10_000,
        GARMENTS,
        (
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/{file}",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/{file}",
        ),
    ),
    "sign_mnist": PublishedSet(
        ("sign-mnist", "sign_mnist"),
        {  # as published, with CRLF line ends, and after a conversion to LF
            "train": KnownFile(
                "sign_mnist_train.csv",
                (
                    "4c2897f19fab2b0ae2a7e4fa82e969043315d9f3a1a9cc0948b576bf1189a7e5",
                    "b7ff39ad5f1210fa765ce11aa5f20c2e97fe467ffc22231aac923c863eef75c4",
                ),
            ),
            "test": KnownFile(
                "sign_mnist_test.csv",
                (
                    "0e9d67bae23e67f40728e0b63bf15ad4bd5175947b8a9fac5dd9f17ce133c47b",
                    "178c0dd21c4b0e86d58df12f14ea1e9efa795ad19d146802b3b28094a16d56ae",
                ),
            ),
        },
        27_455,
        7_172,
        LETTERS,
        ("https://github.com/a-milenkin/ml_instruments/raw/HEAD/data/{file}",),
        ".zip",
    ),
}
