"""Files that students handed in, and the answers in them, however damaged or rearranged they are.

`check` and the grader both find answers here, so a student sees what will be graded. On the way
from a class to its answers, `listing` finds files, in `archives` too, `student_names` says whose
they are, and `intake` which of them counts. `contents` saves cells from damaged JSON, `reading`
makes cells of any form, and `statements` cuts code. `given` knows the exercise as it was handed
out, and `matching` finds the answers by it.
"""
