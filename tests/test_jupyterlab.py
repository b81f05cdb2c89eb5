"""What the analyst sees, in a real JupyterLab in a real browser."""

import os
import re
import shutil
import textwrap
from pathlib import Path

import jupyterlab_page
import nbformat
import pytest
from playwright.sync_api import expect

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
progress = view(detach=print)
for n in range(413):
    progress.show(dataclasses.replace(running, n_read=n))
time.sleep(0.3)
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
# a job on the local service, of which three pages wait until the test has looked
SUBMIT = f"""
import sys, nimble_pandas, pandas as pd
from nimble_pandas.local import serve
sys.path.insert(0, {str(Path(__file__).parent)!r})
from held_site import Site

service = serve(shop=False)
site = Site("looked")
pages = pd.DataFrame({{"url": site.urls(9, held=3, gone=1)}}, index=[f"sku-{{n}}" for n in range(9)])
job = pages.nimble.submit(
    url_col="url", vendor="walmart", parse=True, progress="none", client=service.client(),
    ledger=nimble_pandas.Ledger("ledger"),
)
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
            && document.querySelector('.nimble-label').innerText.includes('Done')"""
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
        expect(opened.page.locator(".nimble-detach")).to_have_count(0 if blocked else 1)
        screenshot(opened, f"{tier}-running")
        (root / "looked").touch()
        wait_done(opened)
        opened.wait_idle()
        expect(opened.page.locator(".nimble-fill")).to_have_count(1)
        expect(opened.page.locator(".jupyter-widgets")).to_have_count(0)
        screenshot(opened, f"{tier}-done")
        assert opened.errors() == []
        opened.save()
    saved = nbformat.read(root / f"{tier}.ipynb", as_version=4)
    output, *button = saved.cells[-1].outputs
    assert [each.data for each in button] == ([] if blocked else [{}])
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
        widths = []
        for bar in opened.page.locator(".nimble-fill").all():
            bar.scroll_into_view_if_needed()
            widths.append(bar.evaluate("bar => bar.style.width"))
        # what was only submitted, or left to itself, is not full
        assert "100%" in widths
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


def names_the_job(opened):
    """Return whether the page says how to take the job up again."""
    return re.search(
        r'nimble_pandas.attach\("\d{8}T\d{6}-\w+"\)', opened.page.locator(".jp-Notebook").inner_text()
    )


def test_watch_leaves_the_kernel_free(root, lab, browser, screenshot):
    """The job is seen live while other cells run; what is saved keeps its card, also if the kernel dies."""
    (root / "looked").unlink(missing_ok=True)
    free = 'so_far = job.frame(); print("free:", (so_far["status"] == "ok").sum())'
    write(root, "watch.ipynb", SUBMIT, "job.watch()", free, "job")
    with jupyterlab_page.notebook(browser, lab, "watch.ipynb") as opened:
        opened.run_all()
        opened.page.get_by_text("free:").wait_for()
        running = opened.page.locator(".nimble-progress").first
        running.get_by_text("6 of 9 pages").wait_for()
        opened.page.locator(".nimble-detach").wait_for()
        expect(running.get_by_text("Kettle <script>")).to_have_count(3)
        assert "broken" not in opened.page.title()
        screenshot(opened, "watch-running-light")
        opened.theme("JupyterLab Dark")
        screenshot(opened, "watch-running-dark")
        opened.save(moving=True)
        shutil.copy(root / "watch.ipynb", root / "died.ipynb")
        (root / "looked").touch()
        running.get_by_text("9 of 9 pages").wait_for()
        running.get_by_text("the site answered 404").wait_for()
        opened.page.locator(".nimble-detach").wait_for(state="detached")
        screenshot(opened, "watch-done-dark")
        opened.theme("JupyterLab Light")
        screenshot(opened, "watch-done-light")
        opened.save()
    (card, button) = nbformat.read(root / "watch.ipynb", as_version=4).cells[1].outputs
    assert set(card.data) == {"text/html", "text/plain"}
    assert button.data == {}
    with jupyterlab_page.notebook(browser, lab, "died.ipynb") as opened:
        opened.page.get_by_text("6 of 9 pages").first.wait_for()
        screenshot(opened, "watch-kernel-died")
        assert names_the_job(opened)


def test_button_detaches(root, lab, browser, screenshot):
    """The button ends the waiting and says how to go on; so it stays in the saved notebook, kernel or not."""
    (root / "looked").unlink(missing_ok=True)
    write(root, "button.ipynb", SUBMIT, "job.watch()", "await job")
    with jupyterlab_page.notebook(browser, lab, "button.ipynb") as opened:
        opened.run_all()
        opened.page.get_by_text("6 of 9 pages").first.wait_for()
        # that of the cell that awaits: the kernel hears it all the same
        opened.page.locator(".nimble-detach").last.click()
        opened.page.get_by_text("Detached").first.wait_for()
        opened.wait_run()
        expect(opened.page.locator(".nimble-detach")).to_have_count(0)
        assert [error.split(":")[0] for error in opened.errors()] == ["JobDetached"]
        assert names_the_job(opened)
        screenshot(opened, "button-detached")
        opened.save()
    with jupyterlab_page.notebook(browser, lab, "button.ipynb") as opened:
        opened.page.get_by_text("Detached").first.wait_for()
        assert names_the_job(opened)
        assert "Error displaying widget" not in opened.page.content()
        screenshot(opened, "button-reopened")
    (root / "looked").touch()


@pytest.mark.parametrize("waiting", ["await job", "job.wait()"])
def test_interrupt_detaches(root, lab, browser, screenshot, waiting):
    """Interrupt ends a cell that waits, in either way, and the card says how to go on."""
    (root / "looked").unlink(missing_ok=True)
    write(root, "interrupt.ipynb", SUBMIT.replace('progress="none", ', ""), waiting)
    with jupyterlab_page.notebook(browser, lab, "interrupt.ipynb") as opened:
        opened.run_all()
        opened.page.get_by_text("6 of 9 pages").first.wait_for()
        screenshot(opened, f"interrupt-running-{waiting[:5]}")
        opened.command("notebook:interrupt-kernel")
        opened.page.get_by_text("Detached").first.wait_for()
        opened.wait_run()
        assert names_the_job(opened)
        screenshot(opened, f"interrupt-{waiting[:5]}")
        assert [error.split(":")[0] for error in opened.errors()] in (
            ["KeyboardInterrupt"],
            ["CancelledError"],
        )
    (root / "looked").touch()


def test_await_gives_the_job(root, lab, browser, screenshot):
    """A cell that awaits the job goes on when it is done."""
    (root / "looked").touch()
    write(root, "await.ipynb", SUBMIT, "frame = (await job).frame()", "print(len(frame), 'rows')")
    with jupyterlab_page.notebook(browser, lab, "await.ipynb") as opened:
        opened.run_all()
        opened.page.get_by_text("9 rows").wait_for()
        screenshot(opened, "await-done")
        assert opened.errors() == []


def test_without_a_widget_manager(root, browser, screenshot, tmp_path):
    """Where the kernel has widgets and JupyterLab has none, the card lives, and words replace the button."""
    (root / "looked").unlink(missing_ok=True)
    write(root, "bare.ipynb", SUBMIT, "job.watch()")
    manager = "@jupyter-widgets/jupyterlab-manager"
    with jupyterlab_page.jupyterlab(tmp_path, root, without=(manager,)) as url:
        with jupyterlab_page.notebook(browser, url, "bare.ipynb") as opened:
            opened.run_all()
            opened.page.get_by_text("6 of 9 pages").wait_for()
            opened.page.get_by_text("call detach() of the job").wait_for()
            screenshot(opened, "bare-running")
            (root / "looked").touch()
            opened.page.get_by_text("9 of 9 pages").wait_for()
            opened.page.get_by_text("call detach() of the job").wait_for(state="detached")
            screenshot(opened, "bare-done")
            assert "Error displaying widget" not in opened.page.content()


def luminance(locator, colour):
    """Return the relative luminance of an element's colour, as the WCAG define it."""
    value = locator.evaluate(f"each => getComputedStyle(each).{colour}")
    channels = [int(n) / 255 for n in re.findall(r"\d+", value)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Return the contrast ratio of two luminances, from 1 to 21."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
