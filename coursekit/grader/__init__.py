"""Grading a class: answers are put into the instructor's notebook, run by nbval, and scored."""
