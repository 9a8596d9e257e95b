"""Declarations of the CSV-like movie sources, one module per upstream. Nothing is imported here; see `readers`."""
