"""RALLRec's recommender that says yes or no (arXiv 2502.06101), and the reasoning that RALLRec+ puts beside it (arXiv 2503.20430)."""
