"""Pinned upstream archives and one reader per format. Readers read; they do not clean."""
