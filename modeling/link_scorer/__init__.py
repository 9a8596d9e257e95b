"""The scorer of the linker: which film a stretch of text means, as a calibrated probability."""
