"""Everything learned, and how it is scored. Gets Arrow tables, a config and an empty directory; returns a manifest."""
