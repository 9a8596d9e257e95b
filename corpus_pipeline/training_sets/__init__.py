"""Rows for each trainer, built from released tables. Nothing here trains, and nothing here reads a source."""
