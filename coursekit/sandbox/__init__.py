"""Where a student's code runs: kernels started fast, and shut in.

`server` forks a kernel from a process that has torch loaded; `guard` watches one and ends all it
started; `namespaces`, `landlock` and `seccomp` take the world away from it; `levels` finds out what
this machine can do. Nothing here imports more than the standard library and psutil.
"""
