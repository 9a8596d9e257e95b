"""Films found by the inner product of text vectors: the index, what fills it, and negatives mined from it."""
