"""Statistics of comparisons: pure functions from arrays to frozen results.

Every test returns an `Outcome`, with its `Scope` of inference: what it generalises over. Where the data hold no
variance it says `testable=False` with the reason. `docs/statistics.md` says which design asks for which test.
"""

from mlexp.stats.best import WithBest, compared_with_best
from mlexp.stats.blocked import blocked_mean, blocked_t
from mlexp.stats.bootstrap import bootstrap_seeds_rows
from mlexp.stats.choice import ChosenTest, Design, cautions, choose, computable, correction, misfit
from mlexp.stats.components import VarianceShare, variance_share
from mlexp.stats.crossed import CrossedParts, crossed_mean, crossed_parts, crossed_t, group_scores
from mlexp.stats.datasets import datasets_needed, over_datasets
from mlexp.stats.effects import (
    cliffs_delta,
    interquartile_mean,
    probability_of_improvement,
    spearman,
)
from mlexp.stats.epochwise import epochwise
from mlexp.stats.exact import permutation_test, wilcoxon_signed_rank
from mlexp.stats.looks import alpha_spent, family_levels, nominal_levels
from mlexp.stats.many import Adjusted, holm, one_way_anova
from mlexp.stats.mcnemar import mcnemar, mcnemar_counts
from mlexp.stats.outcome import Outcome
from mlexp.stats.power import (
    SeedsNeeded,
    power_of_t,
    seeds_needed,
    upper_limit_of_sd,
    upper_limit_of_share,
)
from mlexp.stats.ranks import average_ranks, friedman
from mlexp.stats.resampled import bayesian_correlated_t, corrected_t, five_by_two_f
from mlexp.stats.scope import Scope
from mlexp.stats.ttests import Equivalence, equivalence, geometric_ratio, paired_t, welch_parts, welch_t

__all__ = [
    "Adjusted",
    "ChosenTest",
    "CrossedParts",
    "Design",
    "Equivalence",
    "Outcome",
    "Scope",
    "SeedsNeeded",
    "VarianceShare",
    "WithBest",
    "alpha_spent",
    "average_ranks",
    "bayesian_correlated_t",
    "blocked_mean",
    "blocked_t",
    "bootstrap_seeds_rows",
    "cautions",
    "choose",
    "cliffs_delta",
    "compared_with_best",
    "computable",
    "corrected_t",
    "correction",
    "crossed_mean",
    "crossed_parts",
    "crossed_t",
    "datasets_needed",
    "epochwise",
    "equivalence",
    "family_levels",
    "five_by_two_f",
    "friedman",
    "geometric_ratio",
    "group_scores",
    "holm",
    "interquartile_mean",
    "mcnemar",
    "mcnemar_counts",
    "misfit",
    "nominal_levels",
    "one_way_anova",
    "over_datasets",
    "paired_t",
    "permutation_test",
    "power_of_t",
    "probability_of_improvement",
    "seeds_needed",
    "spearman",
    "upper_limit_of_sd",
    "upper_limit_of_share",
    "variance_share",
    "welch_parts",
    "welch_t",
    "wilcoxon_signed_rank",
]
