"""A cross-encoder that reads dialogue and film together: the second stage that two cores can run."""
