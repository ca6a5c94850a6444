"""A small network as it is written by hand: its numbers, forward, and the chain rule back; no engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlexp.kinds.by_hand.functions import ACTIVATIONS, LOSSES, PER_OUTPUT, pulled_back

SMALLEST = ("w1", "b1", "w2", "b2")


@dataclass(frozen=True)
class Net:
    """A network as it is written by hand.

    Attributes
    ----------
    weights : of each layer W, of shape (inputs, units), and b, of shape (1, units)
    activations : name of each hidden layer's
    loss : name; classes enter as rows of 0 and 1
    factor : what the sum of the loss is multiplied with
    bias : whether there are biases
    """

    weights: list[tuple[np.ndarray, np.ndarray]]
    activations: list[str]
    loss: str
    factor: float
    bias: bool = True

    @property
    def is_smallest(self) -> bool:
        """Whether it has one unit in one hidden layer, one input and one output."""
        return [W.shape for W, _ in self.weights] == [(1, 1), (1, 1)] and self.bias

    def names(self) -> list[str]:
        """Return the name of each parameter, layer by layer, weights row by row, then biases."""
        if self.is_smallest:
            return list(SMALLEST)
        return [
            name
            for layer, (W, b) in enumerate(self.weights, 1)
            for name in (
                *(f"W{layer}[{i + 1},{j + 1}]" for i in range(W.shape[0]) for j in range(W.shape[1])),
                *(f"b{layer}[{j + 1}]" for j in range(b.shape[1] if self.bias else 0)),
            )
        ]

    def flat(self, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Return parameters or their gradients in the order of `names`."""
        return np.concatenate([part.ravel() for pair in pairs for part in (pair if self.bias else pair[:1])])

    def with_flat(self, theta: np.ndarray) -> Net:
        """Return the network with other parameters."""
        pairs, start = [], 0
        for W, b in self.weights:
            new = theta[start : start + W.size].reshape(W.shape)
            start += W.size
            bias = theta[start : start + b.size].reshape(b.shape) if self.bias else b
            start += b.size if self.bias else 0
            pairs.append((new, bias))
        return Net(pairs, self.activations, self.loss, self.factor, self.bias)

    def forward(self, X: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return pre-activations Z and outputs A of each layer; A begins with X and ends with the output."""
        Zs: list[np.ndarray] = []
        As = [X]
        for (W, b), name in zip(self.weights, [*self.activations, "linear"], strict=True):
            Zs.append(As[-1] @ W + b)
            As.append(ACTIVATIONS[name].value(Zs[-1]))
        return Zs, As

    def value(self, X: np.ndarray, T: np.ndarray) -> float:
        """Return the loss of all rows."""
        scale = self.factor * (T.shape[1] if self.loss in PER_OUTPUT else 1)
        return float(scale * LOSSES[self.loss].value(self.forward(X)[1][-1], T).sum())

    def backward(
        self, X: np.ndarray, T: np.ndarray
    ) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray], list[np.ndarray]]:
        """Return the gradients of weights and biases, and those of every Z and A, by the chain rule."""
        Zs, As = self.forward(X)
        scale = self.factor * (T.shape[1] if self.loss in PER_OUTPUT else 1)
        dZ = scale * LOSSES[self.loss].gradient(As[-1], T)
        dZs: list[np.ndarray] = [dZ]
        dAs: list[np.ndarray] = []
        grads: list[tuple[np.ndarray, np.ndarray]] = []
        for layer in range(len(self.weights) - 1, -1, -1):
            grads.insert(0, (As[layer].T @ dZ, dZ.sum(axis=0, keepdims=True)))
            if layer:
                dA = dZ @ self.weights[layer][0].T
                dZ = pulled_back(self.activations[layer - 1], Zs[layer - 1], dA)
                dAs.insert(0, dA)
                dZs.insert(0, dZ)
        return grads, dZs, dAs
