"""Places where code runs: a terminal, and a notebook's kernel."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import textwrap
from pathlib import Path

import nbformat

TESTS = Path(__file__).parent


def on_terminal(script, *, columns=80, env=None):
    """Run a script whose standard error is a terminal of so many columns; return what it wrote there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **(env or {})}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stderr=theirs, env=environment, cwd=str(TESTS)) as process:
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 4096):
                written += part
        except OSError:
            # Linux's way to say that the other side is closed
            pass
        os.close(ours)
    assert process.returncode == 0, written.decode()
    return written.decode()


def run_notebook(folder, *sources, errors=False):
    """Run cells in a kernel of their own process, as nbconvert does; return the saved notebook.

    With `errors`, a cell that raises keeps its traceback, and the next one runs.
    """
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(source)) for source in sources]
    path = folder / "notebook.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", str(path)]
    command += ["--allow-errors"] * errors
    path_of_modules = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path_of_modules}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return nbformat.read(path, as_version=4)
