r"""The formulas of what ran, from one table: how networks, models and tests work, each with its published source.

A row is Markdown with TeX between dollar signs, as pandoc reads it; a source is the name of an entry of
`methods.bib`. Every name that a configuration accepts has its row, and a test holds the tables to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Theory:
    """One method.

    Attributes
    ----------
    title : its name
    text : Markdown with TeX
    sources : names of entries of `methods.bib`
    """

    title: str
    text: str
    sources: Sequence[str] = ()


def _row(title: str, text: str, *sources: str) -> Theory:
    return Theory(title, " ".join(text.split()), sources)


DENSE = _row(
    "Dense layer",
    r"""A dense layer maps the outputs $A^{(l-1)}$ of the layer before, a row a sample, to
    $$Z^{(l)} = A^{(l-1)} W^{(l)} + b^{(l)}, \qquad A^{(l)} = f^{(l)}(Z^{(l)}), \qquad A^{(0)} = X.$$""",
)
BACKPROPAGATION = _row(
    "Backpropagation",
    r"""The chain rule carries the gradient of the loss $L$ from the last layer to
    the first. With $\delta^{(l)} = \partial L / \partial Z^{(l)}$,
    $$\delta^{(l)} = \bigl(\delta^{(l+1)} W^{(l+1)\top}\bigr) \circ f'^{(l)}(Z^{(l)}), \qquad
    \frac{\partial L}{\partial W^{(l)}} = A^{(l-1)\top} \delta^{(l)}, \qquad
    \frac{\partial L}{\partial b^{(l)}} = \sum_i \delta^{(l)}_i.$$""",
    "rumelhart1986",
)
SOFTMAX = _row(
    "Softmax",
    r"""The output layer turns its inputs $z$ into probabilities of the $K$ classes,
    $$p_k = \frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}}.$$""",
    "bridle1990",
)
RESIDUAL = _row(
    "Residual block",
    r"""A residual block adds its input to what its layers make of it,
    $$y = x + F(x), \qquad
    \frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} + F'(x)^\top \frac{\partial L}{\partial y},$$
    so that the gradient reaches earlier layers undiminished by $F$.""",
    "he2016",
)
PCA = _row(
    "Principal components",
    r"""The principal components are the eigenvectors of the covariance matrix of the
    centred data, $S v_j = \lambda_j v_j$ with $\lambda_1 \ge \lambda_2 \ge \dots$; component $j$ explains the share
    $\lambda_j / \sum_i \lambda_i$ of the variance. With $V_q = (v_1, \dots, v_q)$ a sample is projected and
    reconstructed by
    $$t = V_q^\top (x - \bar{x}), \qquad \hat{x} = \bar{x} + V_q t.$$""",
    "jolliffe2016",
)
AUTOENCODER = _row(
    "Autoencoder",
    r"""An autoencoder is trained to reproduce its input through a narrow layer, the
    bottleneck: $h = g(x)$, $\hat{x} = d(h)$, with
    $$L = \frac{1}{n} \sum_i \frac{1}{m} \lVert x_i - \hat{x}_i \rVert^2.$$""",
    "hinton2006",
)
EARLY_STOPPING = _row(
    "Early stopping",
    r"""Training ends when the loss of the validation set has not fallen for a number
    of epochs, the patience; the samples of that set are not trained on.""",
    "prechelt1998",
)
CENTROIDS = r"""minimises $$J = \sum_{i=1}^{n} \lVert x_i - \mu_{c(i)} \rVert^2$$ by turns: each sample is
        assigned to its nearest centre, $c(i) = \arg\min_k \lVert x_i - \mu_k \rVert^2$, and each centre
        becomes the mean of its samples."""
SPECTRAL = r"""Spectral clustering builds a graph of the samples with weights $w_{ij}$ ({weights}), takes the
        eigenvectors of the smallest eigenvalues of its normalised Laplacian
    $$L = I - D^{-1/2} W D^{-1/2}, \qquad D = \operatorname{diag}\Bigl(\sum_j w_{ij}\Bigr),$$ and clusters
        their rows by k-means: clusters are groups with few connections between them, of any shape."""

ACTIVATIONS: dict[str, Theory] = {
    "sigmoid": _row("Sigmoid", r"$$f(z) = \frac{1}{1 + e^{-z}}, \qquad f'(z) = f(z)\,(1 - f(z)) \le \tfrac14.$$",
                    "rumelhart1986"),
    "tanh": _row("Hyperbolic tangent", r"$$f(z) = \tanh z, \qquad f'(z) = 1 - \tanh^2 z.$$", "lecun1998"),
    "relu": _row("ReLU", r"""$$f(z) = \max(z, 0), \qquad f'(z) = \begin{cases} 1 & z > 0 \\ 0 & z \le 0.
        \end{cases}$$""",
                 "glorot2011"),
    "leaky_relu": _row("Leaky ReLU", r"""$$f(z) = \max(z, 0.01\,z), \qquad
        f'(z) = \begin{cases} 1 & z > 0 \\ 0.01 & z \le 0. \end{cases}$$""", "maas2013"),
    "linear": _row("Linear activation", r"""$$f(z) = z, \qquad f'(z) = 1.$$ Two layers with nothing but this
        between them are one linear layer."""),
    "hard_sigmoid": _row("Hard sigmoid", r"""$$f(z) = \min(1, \max(0,\ 0.2\,z + 0.5)), \qquad
        f'(z) = \begin{cases} 0.2 & |z| < 2.5 \\ 0 & \text{beyond.} \end{cases}$$""", "courbariaux2015"),
    "softmax": _row("Softmax within the network", r"""$$f(z)_k = \frac{e^{z_k}}{\sum_j e^{z_j}}, \qquad
        \frac{\partial f_k}{\partial z_j} = f_k (\delta_{kj} - f_j).$$""", "bridle1990"),
    "elu": _row("ELU", r"""$$f(z) = \begin{cases} z & z > 0 \\ e^z - 1 & z \le 0, \end{cases} \qquad
        f'(z) = \begin{cases} 1 & z > 0 \\ e^z & z \le 0. \end{cases}$$""", "clevert2016"),
    "gelu": _row("GELU", r"""$$f(z) = z\,\Phi(z), \qquad f'(z) = \Phi(z) + z\,\varphi(z),$$ with $\Phi$ and
        $\varphi$ the distribution function and density of the standard normal.""", "hendrycks2016"),
    "silu": _row("SiLU", r"""$$f(z) = z\,\sigma(z), \qquad f'(z) = \sigma(z)\,(1 + z\,(1 - \sigma(z))), \qquad
        \sigma(z) = \frac{1}{1 + e^{-z}}.$$""", "elfwing2018"),
    "softplus": _row("Softplus", r"$$f(z) = \ln(1 + e^z), \qquad f'(z) = \frac{1}{1 + e^{-z}}.$$", "dugas2001"),
}  # fmt: skip

LOSSES: dict[str, Theory] = {
    "cross_entropy": _row("Cross-entropy", r"""With $y_{ik} = 1$ for the true class of sample $i$ and 0 for the
        others,
        $$L = -\frac{1}{n} \sum_{i=1}^{n} \sum_{k=1}^{K} y_{ik} \ln p_{ik}, \qquad
        \frac{\partial L}{\partial z_{ik}} = \frac{p_{ik} - y_{ik}}{n}.$$""", "bridle1990"),
    "binary_cross_entropy": _row("Binary cross-entropy", r"""With one output $p_i = \sigma(z_i)$ and $y_i \in
        \{0, 1\}$,
        $$L = -\frac{1}{n} \sum_i \bigl(y_i \ln p_i + (1 - y_i) \ln (1 - p_i)\bigr), \qquad
        \frac{\partial L}{\partial z_i} = \frac{p_i - y_i}{n}.$$""", "rumelhart1986"),
    "mse": _row("Mean squared error", r"""$$L = \frac{1}{n} \sum_{i=1}^{n} (\hat{y}_i - y_i)^2, \qquad
        \frac{\partial L}{\partial \hat{y}_i} = \frac{2}{n} (\hat{y}_i - y_i).$$"""),
    "mae": _row("Mean absolute error", r"""$$L = \frac{1}{n} \sum_i |\hat{y}_i - y_i|, \qquad
        \frac{\partial L}{\partial \hat{y}_i} = \frac{1}{n} \operatorname{sign}(\hat{y}_i - y_i).$$"""),
    "huber": _row("Huber loss", r"""With $e = \hat{y} - y$ in standard deviations of the target,
        $$\ell(e) = \begin{cases} e^2 / 2 & |e| \le 1 \\ |e| - \tfrac12 & \text{beyond,} \end{cases} \qquad
        L = \frac{1}{n} \sum_i \ell(e_i).$$""", "huber1964"),
}  # fmt: skip

OPTIMIZERS: dict[str, Theory] = {
    "sgd": _row("Stochastic gradient descent", r"""After each batch, with its gradient $g$ and the learning
        rate $\eta$,
        $$\theta \leftarrow \theta - \eta\, g.$$""", "robbins1951"),
    "momentum": _row("Gradient descent with momentum", r"""With learning rate $\eta$ and momentum $\mu$,
        $$v \leftarrow \mu v + g, \qquad \theta \leftarrow \theta - \eta\, v.$$""", "polyak1964"),
    "nesterov": _row("Nesterov momentum", r"""With learning rate $\eta$ and momentum $\mu$,
        $$v \leftarrow \mu v + g, \qquad \theta \leftarrow \theta - \eta\, (g + \mu v).$$""", "sutskever2013"),
    "adam": _row("Adam", r"""With $\beta_1 = 0.9$, $\beta_2 = 0.999$ and $\varepsilon = 10^{-8}$ unless set
        otherwise, at step $t$,
        $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2,$$
        $$\theta \leftarrow \theta -
        \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon}.$$""", "kingma2015"),
    "adamw": _row("AdamW", r"""Adam with weight decay $\lambda$ apart from the gradient: first
        $W \leftarrow (1 - \eta \lambda)\, W$, then, with $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\varepsilon = 10^{-8}$,
        $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2,$$
        $$\theta \leftarrow \theta - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} +
        \varepsilon}.$$""",
        "loshchilov2019", "kingma2015"),
    "rmsprop": _row("RMSprop", r"""With $\rho = 0.99$ and $\varepsilon = 10^{-8}$,
        $$v \leftarrow \rho\, v + (1 - \rho)\, g^2, \qquad
        \theta \leftarrow \theta - \eta\, \frac{g}{\sqrt{v} + \varepsilon}.$$""", "tieleman2012"),
    "adagrad": _row("Adagrad", r"""With $\varepsilon = 10^{-10}$,
        $$v \leftarrow v + g^2, \qquad \theta \leftarrow \theta - \eta\, \frac{g}{\sqrt{v} + \varepsilon}.$$""",
        "duchi2011"),
}  # fmt: skip

SCHEDULES: dict[str, Theory] = {
    "step": _row("Stepwise learning rate", r"The learning rate is multiplied by a factor at regular intervals."),
    "exponential": _row("Exponential learning rate", r"$$\eta_e = \eta_0\, \gamma^{e}$$ in epoch $e$."),
    "cosine": _row("Cosine learning rate", r"""The learning rate falls over $E$ epochs along half a cosine,
        $$\eta_e = \eta_{\min} + \tfrac12 (\eta_0 - \eta_{\min}) \Bigl(1 + \cos \frac{\pi e}{E}\Bigr).$$""",
        "loshchilov2017"),
    "warm_up": _row("Warm-up", r"The learning rate rises evenly over the first epochs, $\eta_e = \eta_0\, e / E$."),
    "on_plateau": _row("Reduction on a plateau", r"""The learning rate is multiplied by a factor when the loss has not
        fallen for a number of epochs."""),
}  # fmt: skip

INITIALIZERS: dict[str, Theory] = {
    "xavier": _row("Xavier initialisation", r"""Weights are drawn with mean 0 and variance
        $2 / (n_{\text{in}} + n_{\text{out}})$, which keeps the variance of signals and gradients alike over the
        layers.""", "glorot2010"),
    "he": _row("He initialisation", r"""Weights are drawn with mean 0 and variance $2 / n_{\text{in}}$, since
        ReLU sets half of its inputs to zero.""", "he2015"),
    "lecun": _row("LeCun initialisation", r"Weights are drawn with mean 0 and variance $1 / n_{\text{in}}$.",
        "lecun1998"),
    "orthogonal": _row("Orthogonal initialisation", r"""Each weight matrix begins with orthonormal rows or
        columns.""",
        "saxe2014"),
}  # fmt: skip

REGULARIZERS: dict[str, Theory] = {
    "l2": _row("L2 regularisation", r"""$$L \leftarrow L + \frac{\lambda}{2} \sum_l \lVert W^{(l)} \rVert_F^2$$
        draws the weights towards 0; biases are left out.""", "hoerl1970"),
    "l1": _row("L1 regularisation", r"""$$L \leftarrow L + \lambda \sum_l \sum_{jk} |W^{(l)}_{jk}|$$ sets many
        weights to 0; biases are left out.""", "tibshirani1996"),
    "dropout": _row("Dropout", r"""In training each unit is set to 0 with probability $p$ and the others are
        divided by $1 - p$; in use no unit is dropped.""", "srivastava2014"),
    "batch_norm": _row("Batch normalisation", r"""Before its activation each unit is standardised over the batch,
        $$\hat{z} = \frac{z - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}}, \qquad z' = \gamma \hat{z} + \beta;$$ in
        use the running means of $\mu_B$ and $\sigma_B^2$ take the place of those of the batch.""", "ioffe2015"),
    "label_smoothing": _row("Label smoothing", r"""The target of a sample becomes $(1 - \alpha)\, y + \alpha / K$.""",
        "szegedy2016"),
    "clip_norm": _row("Gradient clipping", r"""A gradient longer than $c$ is scaled to that length,
        $g \leftarrow g \min(1, c / \lVert g \rVert)$.""", "pascanu2013"),
    "max_norm": _row("Maximum norm", r"""After each step the incoming weights of a unit are scaled back to a
        norm of at most $c$.""", "srivastava2014"),
}  # fmt: skip

MODELS: dict[str, Theory] = {
    "logistic": _row("Logistic regression", r"""$$P(y = k \mid x) = \frac{e^{w_k^\top x + b_k}}{\sum_j e^{w_j^\top x +
        b_j}},$$ fitted by the maximum of the likelihood less an L2 penalty,
        $\min_w \tfrac12 \lVert w \rVert^2 - C \sum_i \ln P(y_i \mid x_i)$.""", "cox1958"),
    "svm": _row("Support-vector machine", r"""The separating surface with the widest margin solves
        $$\min_{w, b, \xi}\ \tfrac12 \lVert w \rVert^2 + C \sum_i \xi_i \quad \text{subject to} \quad
        y_i (w^\top \phi(x_i) + b) \ge 1 - \xi_i,\ \xi_i \ge 0.$$ Its dual has one multiplier a sample,
        $$\max_\alpha\ \sum_i \alpha_i - \tfrac12 \sum_{ij} \alpha_i \alpha_j y_i y_j K(x_i, x_j), \qquad
        0 \le \alpha_i \le C,\ \sum_i \alpha_i y_i = 0,$$ and $f(x) = \sum_i \alpha_i y_i K(x_i, x) + b$: only the
        support vectors, with $\alpha_i > 0$, count. Several classes are compared pair by pair; for numbers
        errors up to $\varepsilon$ are free.""", "cortes1995"),
    "knn": _row("Nearest neighbours", r"""A sample gets the majority class of its $k$ nearest training samples, or the
        mean of their targets.""", "cover1967"),
    "decision_tree": _row("Decision tree", r"""The tree splits the samples at a threshold of one feature, again
        and again; each split is the one that lowers the impurity most, for classes Gini's
        $$G = 1 - \sum_k p_k^2,$$ for numbers the variance.""", "breiman1984"),
    "random_forest": _row("Random forest", r"""Each of $T$ trees is grown on a bootstrap sample of the training
        set and splits by the best of a random subset of the features; the forest answers with the mean of its trees,
        $$\hat{p}(x) = \frac{1}{T} \sum_{t=1}^{T} \hat{p}_t(x).$$""", "breiman2001"),
    "hist_gradient_boosting": _row("Gradient boosting", r"""Trees are added one by one, each fitted to the negative
        gradient of the loss of the sum so far, $$F_m(x) = F_{m-1}(x) + \nu\, h_m(x);$$ thresholds are sought
        among the bins of a histogram.""", "friedman2001"),
    "naive_bayes": _row("Gaussian naive Bayes", r"""$$P(k \mid x) \propto P(k) \prod_j \mathcal{N}(x_j;\ \mu_{kj},
        \sigma_{kj}^2):$$ within a class the features are taken as independent and normal.""", "hastie2009"),
    "linear": _row("Linear regression", r"""$$\hat{y} = w^\top x + b, \qquad
        \min_{w, b} \sum_i (y_i - \hat{y}_i)^2.$$""", "hastie2009"),
    "ridge": _row("Ridge regression", r"""$$\hat{y} = w^\top x + b, \qquad \min_{w, b} \sum_i (y_i - \hat{y}_i)^2 +
        \alpha \lVert w \rVert^2.$$""", "hoerl1970"),
    "stacking": _row("Stacking", r"""The base models predict each training sample from the other folds of a
        cross-validation; a linear model of these predictions, fitted to the targets, combines them.""",
        "wolpert1992"),
    "voting": _row("Voting", r"""The predicted probabilities of the base models are averaged,
        $p(y = k \mid x) = \tfrac1M \sum_m p_m(y = k \mid x)$, or their votes counted; numbers are averaged.""",
        "kittler1998"),
    "bagging": _row("Bagging", r"""The base model is fitted to bootstrap samples of the training set, and the
        predictions are averaged.""", "breiman1996"),
    "calibrated": _row("Calibration", r"""The scores of the base model on held-out folds are mapped to probabilities by
        a sigmoid, $p = 1 / (1 + e^{a s + b})$, or by an isotonic step function.""", "niculescu2005"),
    "thresholded": _row("Tuned threshold", r"""The positive class is predicted above a threshold of the base model's
        score; the threshold maximises balanced accuracy on held-out folds of the training set."""),
    "kmeans": _row("k-means", f"k-means {CENTROIDS}", "lloyd1982"),
    "minibatch_kmeans": _row("Mini-batch k-means", rf"k-means on small random batches {CENTROIDS}", "sculley2010"),
    "spectral": _row("Spectral clustering", SPECTRAL.replace("{weights}", "from the similarity of two samples"),
                     "vonluxburg2007"),
    "spectral_gaussian": _row("Spectral clustering, Gaussian affinity", SPECTRAL.replace(
        "{weights}", r"$w_{ij} = e^{-\lVert x_i - x_j \rVert^2 / 2\sigma^2}$"), "vonluxburg2007"),
    "spectral_neighbors": _row("Spectral clustering, nearest neighbours", SPECTRAL.replace(
        "{weights}", "1 for nearest neighbours of each other, half for neighbours in one direction, else 0"),
        "vonluxburg2007"),
    "gmm": _row("Gaussian mixture", r"""$$p(x) = \sum_{k=1}^{K} \pi_k\, \mathcal{N}(x;\ \mu_k, \Sigma_k),$$ fitted by
        expectation–maximisation: $r_{ik} \propto \pi_k\, \mathcal{N}(x_i;\ \mu_k, \Sigma_k)$, then
        $\mu_k = \sum_i r_{ik} x_i / \sum_i r_{ik}$, and $\pi_k$ and $\Sigma_k$ likewise. With $q$ parameters and the
        maximum $\hat{L}$ of the likelihood, $\mathrm{AIC} = 2q - 2 \ln \hat{L}$ and
        $\mathrm{BIC} = q \ln n - 2 \ln \hat{L}$.""", "dempster1977", "schwarz1978"),
    "dbscan": _row("DBSCAN", r"""A sample with at least $m$ samples within $\varepsilon$ is a core of a cluster; cores
        within $\varepsilon$ of each other belong together, and what is near no core is noise.""", "ester1996"),
    "agglomerative": _row("Agglomerative clustering", r"""Every sample begins as a cluster; the two clusters
        are merged whose union raises the sum of squared distances to the means least (Ward).""", "ward1963"),
    "pca": PCA,
    "tsne": _row("t-SNE", r"""Neighbours in the data, $p_{ij}$, from Gaussians whose width is set by the
        perplexity, and in the map, $q_{ij} \propto (1 + \lVert y_i - y_j \rVert^2)^{-1}$, are brought together
        by minimising $$\mathrm{KL}(P \,\Vert\, Q) = \sum_{i \ne j} p_{ij} \ln \frac{p_{ij}}{q_{ij}}.$$
        Distances between clusters in the map mean little.""", "vandermaaten2008"),
    "lle": _row("Locally linear embedding", r"""Weights that rebuild each sample from its neighbours,
        $\min_w \sum_i \lVert x_i - \sum_j w_{ij} x_j \rVert^2$ with $\sum_j w_{ij} = 1$, are kept in the map,
        $\min_y \sum_i \lVert y_i - \sum_j w_{ij} y_j \rVert^2$.""", "roweis2000"),
    "mds": _row("Multidimensional scaling", r"""The map keeps distances: it minimises the stress
        $$\sum_{i < j} \bigl(\lVert x_i - x_j \rVert - \lVert y_i - y_j \rVert\bigr)^2.$$""", "kruskal1964"),
    "isomap": _row("Isomap", r"""Distances along the graph of nearest neighbours take the place of straight
        ones; the map keeps them as far as it can.""", "tenenbaum2000"),
    "umap": _row("UMAP", r"""The graph of nearest neighbours with weights $v_{ij}$ is drawn so that the cross-entropy
        between $v_{ij}$ and $w_{ij} = (1 + a \lVert y_i - y_j \rVert^{2b})^{-1}$ is smallest.""", "mcinnes2018"),
    "opentsne": _row("t-SNE (openTSNE)", r"""Neighbours in the data, $p_{ij}$, and in the map,
        $q_{ij} \propto (1 + \lVert y_i - y_j \rVert^2)^{-1}$, are brought together by minimising
        $\sum_{i \ne j} p_{ij} \ln (p_{ij} / q_{ij})$.""", "vandermaaten2008", "policar2024"),
    "autoencoder": AUTOENCODER,
    "mlp": DENSE,
    "sklearn_mlp": DENSE,
}  # fmt: skip

MEANS = r"With the difference $D$ of the mean scores of two arms"
TESTS: dict[str, Theory] = {
    "crossed": _row("Crossed test over seeds and samples", rf"""{MEANS}, $s_a^2$ the variance between the $S_a$
        runs of arm $a$ and $n$ test samples that every run scored, $$V = \frac{{s_A^2}}{{S_A}} +
        \frac{{s_B^2}}{{S_B}} + V_{{\text{{samples}}}} - V_{{\text{{residual}}}}, \qquad t =
        \frac{{D}}{{\sqrt{{V}}}},$$ with Satterthwaite's degrees of freedom; with fewer than five runs an arm
        $p$ is averaged over what the variances may be (Behrens and Fisher). The conclusion is about new runs
        and new samples.""", "satterthwaite1946", "fisher1935"),
    "welch": _row("Welch's t test", rf"""{MEANS}, $$t = \frac{{D}}{{\sqrt{{s_A^2 / S_A + s_B^2 / S_B}}}},$$
        with Welch's degrees of freedom; the variances of the arms may differ.""", "welch1947"),
    "permutation": _row("Permutation test", r"""$p$ is the share of all ways to divide the scores between two
        arms whose difference of means is at least as large as the observed one.""", "pitman1937"),
    "paired": _row("Paired t test", r"""With the differences $d_i$ of two arms on $n$ independent units,
        $$t = \frac{\bar{d}}{s_d / \sqrt{n}}, \qquad n - 1 \text{ degrees of freedom.}$$""", "student1908"),
    "wilcoxon": _row("Wilcoxon's signed-rank test", r"""The sizes of the differences of two arms are ranked;
        the sum of the ranks of the positive ones is compared with what random signs would give.""",
        "wilcoxon1945", "demsar2006"),
    "mcnemar": _row("McNemar's test", r"""Of $b + c$ samples on which just one of two models is right, $b$ went to the
        first. With $X$ binomial with $b + c$ trials of probability one half and $m = \min(b, c)$,
        $$p = 2 P(X < m) + P(X = m).$$""", "mcnemar1947", "fagerland2013"),
    "corrected": _row("Corrected t test over splits", r"""Training sets of several splits overlap, so the variance is
        raised: with $J$ splits, $$t = \frac{\bar{d}}{\sqrt{\bigl(\tfrac1J + n_{\text{test}} /
        n_{\text{train}}\bigr)\,
        s_d^2}}, \qquad J - 1 \text{ degrees of freedom.}$$""", "nadeau2003"),
    "bayesian": _row("Bayesian correlated t test", r"""The posterior of the mean difference over $J$ splits is
        Student's t with $J - 1$ degrees of freedom, location $\bar{d}$ and scale
        $\sqrt{(1/J + n_{\text{test}} / n_{\text{train}})\, s_d^2}$.""", "corani2015"),
    "five_by_two": _row("5×2 cross-validated t test", r"""Over five repeats of two-fold cross-validation,
        $$t = \frac{d_{11}}{\sqrt{\tfrac15 \sum_i s_i^2}}, \qquad s_i^2 = (d_{i1} - \bar{d}_i)^2 +
        (d_{i2} - \bar{d}_i)^2,$$ with 5 degrees of freedom.""", "dietterich1998"),
    "bootstrap_seeds_rows": _row("Bootstrap of seeds and samples", r"""Runs of each arm and, for both arms
        together, test samples are drawn with replacement; the interval is that of the percentiles of the
        differences.""", "owen2007"),
    "anova": _row("Analysis of variance", r"""The variance between the means of $k$ arms is compared with that
        within them,
        $$F = \frac{\sum_j S_j (\bar{x}_j - \bar{x})^2 / (k - 1)}{\sum_j \sum_s (x_{js} - \bar{x}_j)^2 / (N -
        k)}.$$""",
        "fisher1925"),
    "friedman": _row("Friedman's test", r"""With mean ranks $R_j$ of $k$ arms over $N$ units,
        $$\chi^2 = \frac{12 N}{k (k + 1)} \Bigl(\sum_j R_j^2 - \frac{k (k + 1)^2}{4}\Bigr), \qquad
        F = \frac{(N - 1)\, \chi^2}{N (k - 1) - \chi^2}.$$""", "friedman1937", "iman1980", "demsar2006"),
}  # fmt: skip
HOLM = _row("Several pairs", r"""The $m$ values of $p$ are adjusted by Holm's method: the smallest is
        multiplied by $m$, the next by $m - 1$ and so on, never below the one before, so that the chance of any
        false difference stays within $\alpha$.""", "holm1979")  # fmt: skip
WILSON = _row("Interval of an accuracy", r"""With the share $p$ of $n$ samples and $z = 1.96$ the 95 % interval is
    $$\frac{p + \frac{z^2}{2n} \pm z \sqrt{\frac{p (1 - p)}{n} + \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}}.$$""",
    "wilson1927")  # fmt: skip

SEARCHES: dict[str, Theory] = {
    "grid": _row("Grid search", r"""Every combination of the listed values is trained and scored on the validation
        set."""),
    "random": _row("Random search", r"""Combinations drawn at random are trained and scored on the validation
        set; where few settings matter this finds more than a grid of the same size.""", "bergstra2012"),
    "halving": _row("Successive halving", r"""Many combinations are trained briefly; each round keeps the best
        $1/\eta$ of them with $\eta$ times the epochs.""", "jamieson2016"),
    "bayes": _row("Bayesian optimisation", r"""A model of the score by settings, fitted to the trials so far,
        proposes the next one.""", "akiba2019"),
}  # fmt: skip
STARTS = ("xavier", "he", "lecun", "orthogonal")
BY_HAND = {"svm": MODELS["svm"], "pca": PCA, "kmeans": MODELS["kmeans"], "em": MODELS["gmm"]}
NETWORKS = ("mlp", "autoencoder", "sklearn_mlp")


def of_run(config: Mapping[str, Any]) -> list[Theory]:
    """Return the theory of a run in the order in which a reader needs it; what no table knows is left out.

    Parameters
    ----------
    config : its configuration as `config.yaml` holds it, which may be a stranger's
    """
    return list(dict.fromkeys(row for row in _of_run(config) if row is not None))


def _of_run(config: Mapping[str, Any]) -> Iterator[Theory | None]:
    kind, model = str(_node(config, "task").get("kind")), _node(config, "model")
    name = str(model.get("name"))
    if kind == "by_hand":
        yield from _by_hand(config, model)
        return
    if kind == "explore":
        return
    if _node(config, "prepare").get("pca") is not None:
        yield PCA
    methods = _node(config, kind).get("methods") if kind in ("clustering", "embedding") else None
    for method in methods if isinstance(methods, list) and methods else [name]:
        yield MODELS.get(str(method))
    if kind in ("clustering", "embedding"):
        return
    if kind in ("features", "autoencoder"):
        yield AUTOENCODER
    if name in NETWORKS:
        yield from _network(kind, model)
    if kind == "layers":
        yield MODELS["tsne"]
    yield SEARCHES.get(str(_node(config, "tune").get("strategy")))
    if kind in ("classification", "features"):
        yield WILSON


def _by_hand(config: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[Theory | None]:
    """Yield what the calculation is about."""
    node = _node(config, "by_hand")
    calculation = str(node.get("calculation"))
    if calculation in BY_HAND:
        yield BY_HAND[calculation]
        return
    yield DENSE
    if calculation == "softmax":
        yield SOFTMAX
        yield LOSSES["cross_entropy"]
    else:
        yield from _activations(model)
        yield RESIDUAL if calculation == "residual" else None
        yield LOSSES.get(str(node.get("loss", "mse"))) if calculation == "backprop" else LOSSES["mse"]
    yield BACKPROPAGATION
    if calculation != "residual":
        yield OPTIMIZERS.get(_optimizer(model))


def _network(kind: str, model: Mapping[str, Any]) -> Iterator[Theory | None]:
    """Yield layers, output and loss, gradient, optimizer and what holds the network back."""
    own = model.get("name") != "sklearn_mlp"
    yield DENSE
    yield from _activations(model)
    classes = kind not in ("regression", "autoencoder")
    if classes and not (own and model.get("output") == "sigmoid"):
        yield SOFTMAX
        yield LOSSES["cross_entropy"]
    elif classes:
        yield ACTIVATIONS["sigmoid"]
        yield LOSSES["binary_cross_entropy"]
    else:
        yield LOSSES.get(str(model.get("loss"))) if own and kind == "regression" else LOSSES["mse"]
    yield BACKPROPAGATION
    if own:
        start, named = str(model.get("init")), str(model.get("activation"))
        if start == "auto":
            start = "he" if any(word in named for word in ("elu", "silu")) else "xavier"
        yield INITIALIZERS.get(next((one for one in STARTS if start.startswith(one)), ""))
    yield OPTIMIZERS.get(_optimizer(model))
    if own:
        yield SCHEDULES.get(str(model.get("schedule")))
        yield from (row for key, row in REGULARIZERS.items() if model.get(key))
        if model.get("input_dropout"):
            yield REGULARIZERS["dropout"]
    if model.get("patience"):
        yield EARLY_STOPPING


def _activations(model: Mapping[str, Any]) -> Iterator[Theory | None]:
    named = model.get("activation")
    for name in named if isinstance(named, list) else [named]:
        yield ACTIVATIONS.get(str(name))


def _optimizer(model: Mapping[str, Any]) -> str:
    if model.get("optimizer") != "sgd" or not model.get("momentum"):
        return str(model.get("optimizer"))
    return "nesterov" if model.get("nesterov") else "momentum"


ORDER = [
    PCA, *MODELS.values(), *ACTIVATIONS.values(), RESIDUAL, SOFTMAX, *LOSSES.values(), BACKPROPAGATION,
    *INITIALIZERS.values(), *OPTIMIZERS.values(), *SCHEDULES.values(), *REGULARIZERS.values(), EARLY_STOPPING,
    *SEARCHES.values(), WILSON,
]  # fmt: skip


def of_runs(configs: Sequence[Mapping[str, Any]]) -> list[Theory]:
    """Return the theory of several runs, each method once; no interval of a single one."""
    found = {row for config in configs for row in of_run(config)} - {WILSON}
    return [row for row in dict.fromkeys([DENSE, *ORDER]) if row in found]


def of_comparison(info: Mapping[str, Any]) -> list[Theory]:
    """Return the test of a comparison, and how its pairs are adjusted."""
    test = TESTS.get(str(info.get("test")))
    return [
        *([test] if test else []),
        *([HOLM] if len(info.get("pairs") or ()) > 1 else []),
    ]


def _node(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    node = config.get(name)
    return node if isinstance(node, Mapping) else {}
