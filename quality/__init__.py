"""The gate: expectations rendered from the schema, judged on measured numbers. Nothing here knows Dagster or a path."""
