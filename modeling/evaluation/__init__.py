"""How models are judged: ranks, metrics, intervals, paired tests, published anchors, and the report. Nothing is trained here."""
