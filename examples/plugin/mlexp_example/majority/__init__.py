"""A kind of study: always predict the majority class of the training set, the least that a model must beat."""
