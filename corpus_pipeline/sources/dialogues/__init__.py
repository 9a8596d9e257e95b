"""One reader per dialogue data set; each gives back the six core tables of its data set and its quarantine."""
