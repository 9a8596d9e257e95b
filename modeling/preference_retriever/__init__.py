"""A retriever that learns from how a ranker fares with the candidate sets it draws (RAR, a reconstruction: METHODS section 2.5)."""
