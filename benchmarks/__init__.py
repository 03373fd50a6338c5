"""Measurements of the course engine; those of the networks are `python -m resattn bench`."""
