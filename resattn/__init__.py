"""Residual attention networks: the reference package of the course."""
