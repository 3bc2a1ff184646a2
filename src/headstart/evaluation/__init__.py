"""Stage 6, evaluation: splits, budgets, scores, intervals and comparisons: the protocol."""
