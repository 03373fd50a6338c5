"""Grading a class: collect what was handed in, read it, match it to its tasks, judge and report."""
