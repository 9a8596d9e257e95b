"""The second stage of RAR: a frozen language model that puts a set of retrieved films in order (a reconstruction: METHODS section 2.5)."""
