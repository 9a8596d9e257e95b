"""The corpus: sources, typed tables, linking, training rows and releases. Nothing here knows Dagster or a model."""
