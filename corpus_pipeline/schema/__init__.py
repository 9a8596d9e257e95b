"""Columns and tables, each declared once. A leaf: standard library and pyarrow only, importable by every package."""
