"""The Dagster face: the only package that imports dagster and the only one that knows where things lie on disk."""
