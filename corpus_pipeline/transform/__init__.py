"""Typed records to core tables: text keys, film identity, survivorship, people, plots, dialogues."""
