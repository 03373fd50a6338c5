"""What of a student's file answers which task, however damaged or rearranged the file is.

`check` and the grader both find answers by this, so that a student sees what will be graded. From
the file to the answers: `contents` saves cells from damaged JSON, `reading` makes cells of any
form, `statements` cuts code, `given` knows the exercise as it was handed out, `places` puts the
cells beside it, `matching` finds the answers, and `grafting` puts them into the exercise.
"""
