"""A Jupyter kernel in this process, which was forked with its imports done."""

from ipykernel.kernelapp import IPKernelApp


def start(connection_file: str) -> None:
    """Serve until the kernel is shut down."""
    app = IPKernelApp.instance()
    app.initialize(
        [
            "-f",
            connection_file,
            "--HistoryManager.enabled=False",
            "--IPKernelApp.capture_fd_output=False",
        ]
    )
    app.start()
