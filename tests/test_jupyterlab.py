"""What the analyst sees, in a real JupyterLab in a real browser."""

import os
import re
import shutil
import textwrap
from pathlib import Path

import jupyterlab_page
import nbformat
import pytest

# a missing browser is no excuse where CI promises one
pytestmark = pytest.mark.skipif(
    jupyterlab_page.CHROMIUM is None and "CI" not in os.environ, reason="there is no Chromium here"
)
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
# read now: tests do not see what the environment says of this project
SCREENSHOTS = os.environ.get("SCREENSHOTS")

JOB = """
import dataclasses, time
from pathlib import Path
from nimble_pandas.progress import Snapshot, view

running = Snapshot(
    job_id="20260101-abc", state="running", n_rows=600, n_tasks=600, n_ended=450, n_read=412,
    counts={"ok": 380, "failed": 12, "empty": 20}, n_batches=2, n_batches_ended=1,
    elapsed_seconds=80.0, remaining_seconds=40.0,
)
done = dataclasses.replace(
    running, state="done", n_ended=600, n_read=600, counts={"ok": 560, "failed": 14, "empty": 26},
    n_batches_ended=2, elapsed_seconds=121.0, remaining_seconds=None,
)
"""
# half of the job, then a pause until the test has looked
RUN = """
progress = view()
for n in range(413):
    progress.show(dataclasses.replace(running, n_read=n))
time.sleep(0.1)
progress.show(running)
while not Path("looked").exists():
    time.sleep(0.05)
for n in range(412, 20_000):
    progress.show(dataclasses.replace(running, n_read=n, n_ended=n, n_tasks=20_000))
progress.close(done)
"""
DETACHED = """
progress = view()
progress.close(dataclasses.replace(
    running, state="detached",
    message="188 pages are still running and billed.\\njob.wait() takes them up again.",
))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Give the folder that holds the notebooks."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def lab(root, tmp_path_factory):
    """Give the URL of a JupyterLab."""
    with jupyterlab_page.jupyterlab(tmp_path_factory.mktemp("jupyterlab"), root) as url:
        yield url


# for this module only: while the browser is open, no other test could run an event loop
@pytest.fixture(scope="module")
def browser():
    """Give a browser."""
    with jupyterlab_page.chromium() as browser:
        yield browser


@pytest.fixture
def screenshot(tmp_path):
    """Give a function that takes a picture of a page, under a name."""
    folder = Path(SCREENSHOTS or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return lambda opened, name: opened.page.screenshot(path=folder / f"{name}.png")


# without it JupyterLab asks for a kernel, and waits
METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def write(root, name, *sources):
    """Write a notebook of code cells."""
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(source).strip()) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), root / name)


def fill(opened):
    """Return how far the bar is filled, as its style says and as it is drawn."""
    return opened.page.locator(".nimble-fill").last.evaluate(
        "bar => [bar.style.width, bar.offsetWidth / bar.parentElement.offsetWidth]"
    )


def wait_done(opened):
    """Wait until the bar is full, and the label says so."""
    opened.page.wait_for_function(
        """() => document.querySelector('.nimble-fill')?.style.width === '100%'
            && document.querySelector('.nimble-label').innerText.startsWith('Done')"""
    )


@pytest.mark.parametrize("blocked", [False, True], ids=["widget", "html"])
def test_bar_fills_and_stays(root, lab, browser, screenshot, blocked):
    """The bar moves while the job runs, ends full, and the saved notebook keeps it as HTML and text."""
    tier = "html" if blocked else "widget"
    block = 'import sys; sys.modules["ipywidgets"] = None' if blocked else ""
    (root / "looked").unlink(missing_ok=True)
    write(root, f"{tier}.ipynb", block, JOB, RUN)
    with jupyterlab_page.notebook(browser, lab, f"{tier}.ipynb") as opened:
        opened.run_all()
        opened.page.get_by_text("412 of 600 pages").wait_for()
        style, drawn = fill(opened)
        assert style == "68.67%"
        assert drawn == pytest.approx(0.6867, abs=0.01)
        assert opened.page.locator(".jupyter-widgets").count() == (0 if blocked else 2)
        screenshot(opened, f"{tier}-running")
        (root / "looked").touch()
        wait_done(opened)
        opened.wait_idle()
        assert opened.page.locator(".nimble-fill").count() == 1
        assert opened.page.locator(".jupyter-widgets").count() == 0
        screenshot(opened, f"{tier}-done")
        assert opened.errors() == []
        opened.save()
    saved = nbformat.read(root / f"{tier}.ipynb", as_version=4)
    (output,) = saved.cells[-1].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert output.data["text/plain"].startswith("Done: 600 of 600 pages; 560 ok, 26 empty, 14 failed;")
    assert "widgets" not in saved.metadata or not saved.metadata["widgets"]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_readable_in_both_themes(root, lab, browser, screenshot, theme):
    """Running, done and detached can be read on a light and on a dark page."""
    name = f"{theme}.ipynb"
    write(root, name, JOB, "progress = view(); progress.show(running)", "view().close(done)", DETACHED)
    with jupyterlab_page.notebook(browser, lab, name) as opened:
        opened.theme(theme)
        opened.run_all()
        opened.page.get_by_text("job.wait() takes them up again.").wait_for()
        opened.wait_run()
        screenshot(opened, theme)
        background = luminance(opened.page.locator(".jp-Notebook").first, "backgroundColor")
        for each in opened.page.locator(".nimble-label, .nimble-counts, .nimble-label b").all():
            assert contrast(luminance(each, "color"), background) > 3


def test_untrusted_notebook_shows_the_end(root, lab, browser, screenshot):
    """A notebook that somebody sent shows how the job ended, bar and words, with nothing run."""
    from test_progress import DONE

    from nimble_pandas.progress.notebook import bundle

    write(root, "sent.ipynb", "view()")
    sent = nbformat.read(root / "sent.ipynb", as_version=4)
    sent.cells[0].outputs = [nbformat.v4.new_output("display_data", data=bundle(DONE))]
    nbformat.write(sent, root / "sent.ipynb")
    with jupyterlab_page.notebook(browser, lab, "sent.ipynb") as opened:
        opened.page.get_by_text("600 of 600 pages").wait_for()
        assert not opened.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.trusted"
        )
        green = opened.page.locator(".jp-OutputArea-output div[style*='#2f9e5f']")
        assert green.evaluate("bar => bar.offsetWidth") > 300
        screenshot(opened, "untrusted")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebooks_run(root, lab, browser, screenshot, path):
    """Each notebook of the project runs from top to bottom without an error."""
    folder = root / path.stem
    shutil.copytree(path.parent, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "*.parquet"))
    with jupyterlab_page.notebook(browser, lab, f"{path.stem}/{path.name}") as opened:
        opened.run_all()
        opened.wait_run(timeout=120)
        assert opened.errors() == []
        for bar in opened.page.locator(".nimble-fill").all():
            bar.scroll_into_view_if_needed()
            assert bar.evaluate("bar => bar.style.width") == "100%"
        screenshot(opened, path.stem)
        opened.save()
    saved = nbformat.read(folder / path.name, as_version=4)
    views = [
        output.data
        for cell in saved.cells
        for output in cell.get("outputs", [])
        if "nimble-progress" in output.get("data", {}).get("text/html", "")
    ]
    assert all(set(data) == {"text/html", "text/plain"} for data in views)


def luminance(locator, colour):
    """Return the relative luminance of an element's colour, as the WCAG define it."""
    value = locator.evaluate(f"each => getComputedStyle(each).{colour}")
    channels = [int(n) / 255 for n in re.findall(r"\d+", value)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Return the contrast ratio of two luminances, from 1 to 21."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
