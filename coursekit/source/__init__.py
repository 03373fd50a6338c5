"""Lessons and exercise sets as they are written, and the notebooks that are made from them."""
