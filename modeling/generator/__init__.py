"""ReGeS's item generation expert: given a dialogue and candidate films, the name of the film to recommend."""
