"""RALLRec's item representation (text and behaviour joined), and retrieval and reranking inside a user's own history."""
