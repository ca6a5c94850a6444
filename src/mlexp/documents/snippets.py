"""Pieces of a program listing, by the name that the configuration gives them.

They compute what `mlexp.nn` computes, operation by operation, so that a listing gives the bits of the run.
"""

from __future__ import annotations

LOGISTIC = """def logistic(Z):
    return 1 / (1 + np.exp(np.minimum(-Z, 87.0 if DTYPE == np.float32 else 708.0)))"""

# Activation -> function of Z giving its value, and the function that pulls a gradient back
ACTIVATIONS = {
    "linear": """def linear(Z):
    return Z, lambda dA: dA""",
    "relu": """def relu(Z):
    A = np.maximum(Z, 0)
    return A, lambda dA: dA * (A > 0)""",
    "leaky_relu": """def leaky_relu(Z):
    A = np.maximum(Z * 0.01, Z)
    return A, lambda dA: dA * np.maximum(np.sign(A), 0.01)""",
    "sigmoid": """def sigmoid(Z):
    A = logistic(Z)
    return A, lambda dA: (1 - A) * A * dA""",
    "tanh": """def tanh(Z):
    A = np.tanh(Z)
    return A, lambda dA: (1 - A * A) * dA""",
    "hard_sigmoid": """def hard_sigmoid(Z):
    A = np.minimum(np.maximum(Z * 0.2 + 0.5, 0), 1)
    return A, lambda dA: dA * 0.2 * ((A > 0) & (A < 1))""",
    "softmax": """def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    A = E / row_sum(E)
    return A, lambda dA: A * (dA - row_sum(dA * A))""",
    "elu": """def elu(Z):
    below = np.expm1(np.minimum(Z, 0))
    return np.maximum(Z, 0) + below, lambda dA: dA * (below + 1)""",
    "softplus": """def softplus(Z):
    A = np.maximum(Z, 0) + np.log1p(np.exp(-np.abs(Z)))
    return A, lambda dA: dA * logistic(Z)""",
    "silu": """def silu(Z):
    gate = logistic(Z)
    A = Z * gate
    return A, lambda dA: dA * (gate + A * (1 - gate))""",
    "gelu": """def gelu(Z):
    from scipy.special import ndtr

    share = ndtr(Z)
    density = np.exp(-0.5 * np.square(np.minimum(np.abs(Z), 40))) * float(1 / np.sqrt(2 * np.pi))
    return Z * share, lambda dA: dA * (share + Z * density)""",
}
USE_LOGISTIC = ("sigmoid", "softplus", "silu")

# Initialiser -> function of generator, inputs and outputs of the layer
INITIALIZERS = {
    "zeros": "lambda rng, n, m: np.zeros((n, m))",
    "ones": "lambda rng, n, m: np.ones((n, m))",
    "random": "lambda rng, n, m: 0.01 * rng.standard_normal((n, m))",
    "standard_normal": "lambda rng, n, m: rng.standard_normal((n, m))",
    "uniform": "lambda rng, n, m: rng.uniform(-1, 1, (n, m))",
    "lecun_normal": "lambda rng, n, m: rng.standard_normal((n, m)) / np.sqrt(n)",
    "lecun_uniform": "lambda rng, n, m: rng.uniform(-np.sqrt(3 / n), np.sqrt(3 / n), (n, m))",
    "xavier_normal": "lambda rng, n, m: rng.standard_normal((n, m)) * np.sqrt(2 / (n + m))",
    "xavier_uniform": "lambda rng, n, m: rng.uniform(-np.sqrt(6 / (n + m)), np.sqrt(6 / (n + m)), (n, m))",
    "he_normal": "lambda rng, n, m: rng.standard_normal((n, m)) * np.sqrt(2 / n)",
    "he_uniform": "lambda rng, n, m: rng.uniform(-np.sqrt(6 / n), np.sqrt(6 / n), (n, m))",
    "orthogonal": "orthogonal",
}
SAME_INITIALIZER = {
    "he": "he_normal",
    "xavier": "xavier_uniform",
    "lecun": "lecun_normal",
    "normal": "lecun_normal",
}
ORTHOGONAL = """def orthogonal(rng, n, m):
    Q, triangle = np.linalg.qr(rng.standard_normal((max(n, m), min(n, m))))
    Q = Q * np.sign(np.diag(triangle))
    return Q if n >= m else Q.T"""

_SOFTMAX_LOSSES = """def losses(Z, T):
    shifted = Z - Z.max(axis=1, keepdims=True)
    return row_sum(T * (np.log(row_sum(np.exp(shifted))) - shifted))[:, 0]"""

# Loss -> loss of every row, and the gradient of their sum
LOSSES = {
    "cross_entropy": _SOFTMAX_LOSSES
    + """


def loss_gradient(Z, T):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / row_sum(E) - T""",
    "cross_entropy_of_two": _SOFTMAX_LOSSES
    + """


def loss_gradient(Z, T):
    dZ = np.empty_like(Z)
    dZ[:, 1] = logistic(Z[:, 1] - Z[:, 0]) - T[:, 1]
    dZ[:, 0] = -dZ[:, 1]
    return dZ""",
    "binary_cross_entropy": """def losses(Z, T):
    return (np.maximum(Z, 0) - Z * T + np.log1p(np.exp(-np.abs(Z))))[:, 0]


def loss_gradient(Z, T):
    return logistic(Z) - T""",
    "mse": """def losses(Z, T):
    return np.square(Z - T)[:, 0]


def loss_gradient(Z, T):
    return 2.0 * (Z - T)""",
    "mae": """def losses(Z, T):
    return np.abs(Z - T)[:, 0]


def loss_gradient(Z, T):
    return np.sign(Z - T)""",
    "huber": """def losses(Z, T):
    distance = np.abs(Z - T)
    near = np.minimum(distance, 1)
    return (near * (distance - 0.5 * near))[:, 0]


def loss_gradient(Z, T):
    return np.minimum(np.maximum(Z - T, -1), 1)""",
}

_ADAM = """mean, squares = np.zeros_like(theta), np.zeros_like(theta)


def update(step, rate):
    global mean, squares
{decay}    squares = squares * 0.999 + gradient * gradient * (1 - 0.999)
    mean = mean * 0.9 + gradient * (1 - 0.9)
    root = math.sqrt(1 - 0.999**step)
    theta[:] -= mean / (np.sqrt(squares) + {epsilon} * root) * (rate * (root / (1 - 0.9**step)))"""

# Optimizer -> function `update(step, rate)`, which changes theta by the gradient
OPTIMIZERS = {
    "sgd": """def update(step, rate):
    theta[:] -= gradient * rate""",
    "momentum": """velocity = np.zeros_like(theta)


def update(step, rate):
    velocity[:] = velocity * {momentum} + gradient
    theta[:] -= velocity * rate""",
    "nesterov": """velocity = np.zeros_like(theta)


def update(step, rate):
    velocity[:] = velocity * {momentum} + gradient
    theta[:] -= (gradient + velocity * {momentum}) * rate""",
    "rmsprop": """squares = np.zeros_like(theta)


def update(step, rate):
    squares[:] = squares * 0.99 + gradient * gradient * (1 - 0.99)
    theta[:] -= gradient / (np.sqrt(squares) + {epsilon}) * rate""",
    "adagrad": """squares = np.zeros_like(theta)


def update(step, rate):
    squares[:] += gradient * gradient
    theta[:] -= gradient / (np.sqrt(squares) + {epsilon}) * rate""",
    "adam": _ADAM.replace("{decay}", ""),
    "adamw": _ADAM.replace("{decay}", "    theta[:N_WEIGHTS] *= 1 - rate * {decay}\n"),
}

# Schedule -> learning rate of an epoch, from its number and the losses of the epochs before
SCHEDULES = {
    "constant": "RATE",
    "step": "RATE * {factor} ** ((epoch - 1) // {every})",
    "exponential": "RATE * {factor} ** (epoch - 1)",
    "cosine": "RATE * ({floor} + (1 - {floor}) * (1 + math.cos(math.pi * min(epoch - 1, {epochs}) / {epochs})) / 2)",
    "warm_up": "RATE * (epoch / {epochs} if epoch <= {epochs} else 1.0)",
    "on_plateau": "RATE * reduced(past)",
}
SCHEDULE_DEFAULTS = {"every": 30, "patience": 10, "threshold": 1e-4, "floor": 0.0}
FACTORS = {"step": 0.1, "exponential": 0.95, "on_plateau": 0.1}
REDUCED = """def reduced(past):
    best, bad, factor = np.inf, 0, 1.0
    for loss in past:
        best, bad = (loss, 0) if loss < best * (1 - {threshold}) else (best, bad + 1)
        if bad > {patience}:
            factor, bad = factor * {factor}, 0
    return factor"""

# Optimizer -> its constructor in PyTorch; `others` are the parameters that are no weights
TORCH_OPTIMIZERS = {
    "sgd": "torch.optim.SGD([*W, *others], lr=RATE, momentum={momentum!r}, nesterov={nesterov!r})",
    "adam": "torch.optim.Adam([*W, *others], lr=RATE, eps={epsilon!r})",
    "adamw": """torch.optim.AdamW(
    [{{"params": W, "weight_decay": {decay!r}}}, {{"params": others, "weight_decay": 0.0}}], lr=RATE, eps={epsilon!r}
)""",
    "rmsprop": "torch.optim.RMSprop([*W, *others], lr=RATE, alpha=0.99, eps={epsilon!r})",
    "adagrad": "torch.optim.Adagrad([*W, *others], lr=RATE, eps={epsilon!r})",
}
