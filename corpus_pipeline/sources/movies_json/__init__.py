"""Movie sources that are JSON (or nearly): one module per upstream, on one path from document to record (`documents`)."""
