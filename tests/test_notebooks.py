"""The notebooks of the project run from top to bottom, and are committed clean."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120"]

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])


@each_notebook
def test_runs(path, tmp_path):
    """Every cell runs, and what it asserts holds, in a folder of its own, for notebooks write files."""
    shutil.copytree(FOLDER, tmp_path / "notebooks")
    # a process of its own, with neither this configuration nor these fixtures
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(tmp_path), *NBVAL]
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    result = subprocess.run(
        [*command, path.name],
        cwd=tmp_path / "notebooks",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@each_notebook
def test_is_clean(path):
    """A notebook is committed with neither outputs nor counts nor widget state, and names its kernel."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert {cell.execution_count for cell in code} == {None}
    assert "widgets" not in notebook.metadata
    assert notebook.metadata.kernelspec.name == "python3"
