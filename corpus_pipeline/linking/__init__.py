"""Linking what people name to the films of the catalogue."""
