"""Sentence embeddings of retrieval texts by a frozen encoder."""
