"""The commands of a student: check, submit, progress, reset."""
