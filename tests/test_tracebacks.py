"""What an analyst sees when something goes wrong, in a real IPython kernel."""

import re
import textwrap

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = {
    "begin": """
        import _thread, threading
        import pandas as pd, nimble_pandas
        from nimble_pandas.local import Fault, serve, shop
        pages = pd.DataFrame({"url": ["https://www.walmart.com/ip/1"]})
    """,
    "error": """
        pages.nimble.batch(
            url_col="adress", vendor="walmart")
    """,
    "within": """
        def fetch(frame):
            return frame.nimble.batch(url_col="adress")
        fetch(pages)
    """,
    "many": """
        pd.DataFrame({"url": [f"page {n}" for n in range(300)]}).nimble.batch(url_col="url", vendor="walmart")
    """,
    "verbose": """
        %xmode Verbose
        pages.nimble.batch(url_col="adress", vendor="walmart")
    """,
    "brief again": """
        %xmode Context
        %tb
    """,
    "interrupt": """
        service = serve(faults=[Fault("late", seconds=30, times=None)])
        late = pd.DataFrame({"url": shop.product_urls(service.shop_url, 3)})
        threading.Timer(1, _thread.interrupt_main).start()
        late.nimble.batch(url_col="url", vendor="walmart", client=service.client())
    """,
}


@pytest.fixture(scope="module")
def shown():
    """Give what each cell shows of its error: the lines, without colours."""
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(source).strip()) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute()
    tracebacks = [
        [line for output in cell.outputs for line in output.get("traceback", [])] for cell in notebook.cells
    ]
    plain = [re.sub(r"\x1b\[[\d;]*m", "", "\n".join(lines)).splitlines() for lines in tracebacks]
    return dict(zip(CELLS, plain, strict=True))


def test_an_error_is_three_lines(shown):
    """The caller's own line, what happened, what to type."""
    assert shown["error"] == [
        'Cell In[2], line 1: pages.nimble.batch( url_col="adress", vendor="walmart")',
        "InputError: there is no column 'adress' (for url); the columns are ['url'].",
        "Nothing was sent.",
    ]
    assert shown["brief again"][1:] == shown["error"][1:]


def test_a_function_of_the_callers_is_named_too(shown):
    """The line of the cell, and the line that called."""
    assert shown["within"][:2] == [
        "Cell In[3], line 3: fetch(pages)",
        'Cell In[3], line 2: return frame.nimble.batch(url_col="adress")',
    ]


def test_many_bad_rows_do_not_fill_the_page(shown):
    """The first are shown, and the last line says what to do."""
    assert shown["many"][1] == "InputError: 300 of 300 rows cannot be sent:"
    assert len(shown["many"]) == 13
    assert shown["many"][-2] == "  … 92 more lines"
    assert shown["many"][-1].startswith("Nothing was sent. Correct them")


def test_the_whole_traceback_is_there_for_who_wants_it(shown):
    """``%xmode Verbose`` shows our own lines too."""
    assert any("nimble_pandas/verbs.py" in line for line in shown["verbose"])
    assert len(shown["verbose"]) > 30


def test_an_interrupt_says_what_goes_on_and_is_billed(shown):
    """Ctrl-C stays a KeyboardInterrupt, and shows no lines of ours."""
    place, name, billed, how = shown["interrupt"]
    assert place.startswith("Cell In[7], line 4: late.nimble.batch(")
    assert name == "KeyboardInterrupt"
    assert "3 requests were submitted and are billed" in billed
    assert re.match(r'Take it up again: job = nimble_pandas\.attach\("\S+"\); frame = ', how)
