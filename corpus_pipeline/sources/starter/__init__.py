"""The hand-written catalogue and dialogues that ship with the project, and the reader of the catalogue."""
