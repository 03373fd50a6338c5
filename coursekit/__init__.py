"""The course engine: notebooks, tasks, checks, students' answers, grading and its reports.

It knows no networks. Which package a course teaches stands in the course's own ``pyproject.toml``
(see `coursekit.course`). The folders, in the order of their imports: ``checks`` (what a check cell
uses), ``source`` (lessons and solutions, and what is made from them), ``submissions`` (files that
were handed in, and the answers in them), ``student`` (commands of a student), ``sandbox`` (kernels
without access), ``report`` (tables and pages), ``grader`` (a class from start to end).
"""

__version__ = "0.2.0"
