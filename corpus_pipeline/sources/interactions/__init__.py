"""One reader per data set of users' interactions; each gives back the three core tables of its data set and its quarantine."""
