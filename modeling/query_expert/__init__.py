"""The query expert of ReGeS: a language model that learns to write a search query from the dialogue alone."""
