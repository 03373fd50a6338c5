"""Kernels for students' code: started fast, and isolated from this machine.

`server` forks a kernel from a process that has loaded torch. `guard` watches a kernel, and ends all
processes that it started. `namespaces`, `landlock` and `seccomp` remove its access to files,
processes and network, and `levels` finds out which of them this machine offers. `launch` puts these
together, with the copy of the taught package that `package` makes. Nothing here imports more than
the standard library and psutil.
"""
