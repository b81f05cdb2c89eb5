"""What the caller sees while a job runs."""

import dataclasses
import io
import logging
import subprocess
import sys
import textwrap

import pytest
from clocks import Hand
from hypothesis import given
from hypothesis import strategies as st
from places import on_terminal, run_notebook

from nimble_pandas.errors import ConfigError
from nimble_pandas.progress import Snapshot, View, view, words
from nimble_pandas.progress.card import card
from nimble_pandas.progress.text import Bar, fit

RUNNING = Snapshot(
    job_id="20260101-abc",
    state="running",
    n_rows=600,
    n_tasks=600,
    n_ended=450,
    n_read=412,
    counts={"failed": 12, "ok": 400},
    n_batches=2,
    n_batches_ended=1,
    elapsed_seconds=80.0,
    remaining_seconds=40.0,
    pages_per_second=5.15,
)
DONE = dataclasses.replace(
    RUNNING,
    state="done",
    n_ended=600,
    n_read=600,
    counts={"failed": 12, "ok": 588},
    n_batches_ended=2,
    elapsed_seconds=120.0,
    remaining_seconds=None,
    pages_per_second=5.0,
)

SNAPSHOTS = st.builds(
    Snapshot,
    job_id=st.text(),
    state=st.sampled_from(["submitting", "running", "reading", "done", "detached", "failed", "", "new"]),
    n_rows=st.integers(0, 10**6),
    n_tasks=st.integers(0, 10**6),
    n_ended=st.integers(0, 10**6),
    n_read=st.integers(0, 10**6),
    counts=st.dictionaries(st.sampled_from(["ok", "failed", "pending", "<b>"]), st.integers(0, 10**6)),
    n_batches=st.integers(0, 1000),
    n_batches_ended=st.integers(0, 1000),
    elapsed_seconds=st.floats(-1, 1e6),
    remaining_seconds=st.none() | st.floats(),
    message=st.none() | st.text(),
)


class Recorder:
    """A caller's view that writes down what it is told."""

    def __init__(self):
        self.shown, self.closed = [], []

    def show(self, snapshot):
        """Write a snapshot down."""
        self.shown.append(snapshot)

    def close(self, snapshot):
        """Write the last snapshot down."""
        self.closed.append(snapshot)


def read_at(n_read):
    """Return a running job with so many pages in hand."""
    return dataclasses.replace(RUNNING, n_read=n_read)


class TestWords:
    """A snapshot in words."""

    def test_line(self):
        """One line says how far the job is, what the rows are, how fast it goes and how long it takes."""
        assert words.line(RUNNING) == (
            "Running: 412 of 600 pages; 400 ok, 12 failed, 188 pending; 150 running; 1 of 2 batches; "
            "5.2 pages/s; 1 min 20 s, about 40 s left"
        )

    def test_done(self):
        """A job that is done has no time left, and nothing pending."""
        assert words.line(DONE) == (
            "Done: 600 of 600 pages; 588 ok, 12 failed; 2 of 2 batches; 5.0 pages/s; 2 min 00 s"
        )

    def test_shared_pages(self):
        """Where equal rows share a page, rows are told from pages."""
        assert words.pages(dataclasses.replace(DONE, n_rows=640)) == "600 of 600 pages for 640 rows"

    def test_message_is_last(self):
        """The message stands below the line."""
        snapshot = dataclasses.replace(DONE, message="job.frame()\nmore")
        assert words.text(snapshot) == words.line(DONE) + "\njob.frame()\nmore"

    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3661, "1 h 01 min"), (-5, "0 s")],
    )
    def test_duration(self, seconds, expected):
        """A duration has its two largest units."""
        assert words.duration(seconds) == expected

    def test_percent_is_rounded_down(self):
        """No job is at 100 % before its last page is in hand."""
        nearly = dataclasses.replace(RUNNING, n_tasks=100_000, n_read=99_999)
        assert words.percent(nearly) == "99%"

    @given(SNAPSHOTS)
    def test_anything_can_be_said(self, snapshot):
        """No snapshot is too odd for words, and no share leaves its bounds: none, all, or more than all."""
        assert 0 <= snapshot.fraction <= snapshot.ended_fraction <= 1
        assert words.line(snapshot)
        assert card(snapshot)


class TestFit:
    """A bar in a terminal's width."""

    @given(SNAPSHOTS, st.integers(0, 200))
    def test_never_wider_than_the_terminal(self, snapshot, width):
        """Whatever there is to say, it takes one line of the width that there is."""
        assert len(fit(snapshot, width)) <= width

    def test_bar_is_drawn_to_scale(self):
        """Of the bar, as much is filled as there are pages in hand."""
        bar = fit(RUNNING, 100).split()[1]
        assert bar.count("━") == int(len(bar) * 412 / 600)

    def test_done_is_full(self):
        """A job that is done fills its bar."""
        assert set(fit(DONE, 100).split()[1]) == {"━"}


class TestTerminal:
    """The bar in a terminal, on a real pseudo-terminal."""

    def test_line_is_written_over(self):
        """In a terminal the bar stays on one line, ends full, and the message comes below it."""
        script = """
            import sys
            from test_progress import DONE, RUNNING, view
            import dataclasses
            bar = view("auto")
            bar.show(RUNNING)
            bar.close(dataclasses.replace(DONE, message="job.frame()"))
            bar.close(DONE)
        """
        written = on_terminal(script, columns=72)
        line, *below = written.replace("\x1b[K", "").split("\r\n")
        _, running, done = line.split("\r")
        assert running == fit(RUNNING, 71)
        assert done == fit(DONE, 71)
        assert below == ["job.frame()", ""]

    def test_plain_glyphs(self):
        """A terminal that cannot show the line glyphs gets plain ones."""
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        Bar(stream).show(RUNNING)
        stream.seek(0)
        assert "Running ####" in stream.read()

    def test_dumb_terminal_gets_lines(self):
        """A terminal that cannot go back gets no carriage returns."""
        written = on_terminal("from test_progress import *; view('text').close(DONE)", env={"TERM": "dumb"})
        assert written == words.line(DONE) + "\r\n"

    def test_file_gets_lines(self):
        """A file gets one line for each change of note, not one for each page."""
        stream, clock = io.StringIO(), Hand()
        lines = view("text", stream=stream, clock=clock.monotonic)
        for n in range(601):
            clock.seconds = n / 5
            lines.show(dataclasses.replace(RUNNING, n_read=n, elapsed_seconds=clock.seconds))
        lines.close(DONE)
        written = stream.getvalue().splitlines()
        assert len(written) == 12  # at the start, at each tenth, at the end
        assert written[-1] == words.line(DONE)
        assert "\r" not in stream.getvalue()

    def test_closed_stream(self, caplog):
        """Standard error that is closed does not break the job."""
        stream = io.StringIO()
        bar = view("text", stream=stream)
        stream.close()
        bar.show(RUNNING)
        bar.close(DONE)
        assert [record.levelname for record in caplog.records] == ["WARNING"]


class TestLog:
    """Log lines."""

    def test_changes_of_note(self, caplog):
        """The log has the beginning, the changes of state and the end."""
        caplog.set_level(logging.INFO, "nimble_pandas")
        clock = Hand()
        log = view("log", clock=clock.monotonic)
        for snapshot in (RUNNING, RUNNING, dataclasses.replace(RUNNING, state="reading"), RUNNING):
            clock.seconds += 1
            log.show(dataclasses.replace(snapshot, elapsed_seconds=80 + clock.seconds))
        log.close(DONE)
        assert [said.split(":")[0] for said in caplog.messages] == [
            "Running",
            "Reading outputs",
            "Running",
            "Done",
        ]
        assert {record.levelname for record in caplog.records} == {"INFO"}

    def test_a_line_a_minute(self, caplog):
        """A job in which nothing moves says so once a minute."""
        caplog.set_level(logging.INFO, "nimble_pandas")
        clock = Hand()
        log = view("log", clock=clock.monotonic)
        for clock.seconds in range(0, 601, 2):
            log.show(dataclasses.replace(RUNNING, elapsed_seconds=float(clock.seconds)))
        assert len(caplog.records) == 11

    def test_early_end_is_a_warning(self, caplog):
        """A job that is left while it runs says so where nobody has asked for more than warnings."""
        view("log").close(dataclasses.replace(RUNNING, state="detached", message="job.wait()"))
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert caplog.messages[0].endswith("\njob.wait()")


class TestChoice:
    """Which view is shown where."""

    def test_pipe_gets_log(self, capsys, caplog):
        """Without a notebook or a terminal, progress goes to the log, and nothing is printed."""
        caplog.set_level(logging.INFO, "nimble_pandas")
        view().close(DONE)
        assert capsys.readouterr() == ("", "")
        assert caplog.messages == [words.line(DONE)]

    def test_none(self, capsys, caplog):
        """``"none"`` says nothing at all."""
        caplog.set_level(logging.DEBUG)
        silence = view("none")
        silence.show(RUNNING)
        silence.close(DONE)
        assert capsys.readouterr() == ("", "")
        assert not caplog.records

    @pytest.mark.parametrize("progress", ["tqdm", "", None, 3, Recorder, print])
    def test_no_view(self, progress):
        """What is no view is refused, and the error names the choices."""
        with pytest.raises(ConfigError, match="'auto', 'widget', 'text', 'log', 'none'"):
            view(progress)

    def test_widget_needs_a_notebook(self):
        """A widget that was asked for by name is refused where none can be shown."""
        with pytest.raises(ConfigError, match="needs a notebook"):
            view("widget")

    def test_import_stays_light(self):
        """Neither ipywidgets nor IPython is imported where no notebook is."""
        script = """
            import sys
            from nimble_pandas.progress import view
            view("auto")
            assert not {"ipywidgets", "IPython"} & set(sys.modules)
        """
        subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


class TestCallersView:
    """A view of the caller's."""

    def test_is_told(self):
        """A caller's object is told of snapshots as they are, and of the end once."""
        recorder = Recorder()
        assert isinstance(recorder, View)
        paced = view(recorder)
        paced.show(RUNNING)
        paced.close(DONE)
        paced.close(DONE)
        paced.show(RUNNING)
        assert (recorder.shown, recorder.closed) == ([RUNNING], [DONE])

    def test_broken_view_is_switched_off(self, caplog):
        """A view that raises is told nothing more, bar the end; one warning says so; the job goes on."""

        class Broken(Recorder):
            def show(self, snapshot):
                super().show(snapshot)
                raise RuntimeError("no screen")

        clock, broken = Hand(), Broken()
        paced = view(broken, clock=clock.monotonic)
        for clock.seconds in range(5):
            paced.show(RUNNING)
        paced.close(DONE)
        assert (len(broken.shown), broken.closed) == (1, [DONE])
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "no screen" in caplog.text

    def test_interrupt_passes(self):
        """Ctrl-C while a view draws is the job's to answer."""

        class Interrupted(Recorder):
            def show(self, snapshot):
                super().show(snapshot)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            view(Interrupted()).show(RUNNING)


class TestPace:
    """How often a view is told."""

    def test_five_a_second(self):
        """Of 20,000 snapshots in two seconds a view is told ten, evenly, and of the last one."""
        recorder, clock = Recorder(), Hand()
        paced = view(recorder, clock=clock.monotonic)
        for n in range(20_000):
            clock.seconds = n / 10_000
            paced.show(read_at(n))
        paced.close(DONE)
        assert len(recorder.shown) in {9, 10}
        assert recorder.closed == [DONE]

    def test_flush(self):
        """Before a pause the newest snapshot can be shown out of turn, and is shown once."""
        recorder, clock = Recorder(), Hand()
        paced = view(recorder, clock=clock.monotonic)
        paced.show(read_at(1))
        paced.show(read_at(2))
        paced.show(read_at(3))
        paced.flush()
        paced.flush()
        assert [snapshot.n_read for snapshot in recorder.shown] == [1, 3]


class TestCard:
    """The card of HTML."""

    @given(SNAPSHOTS, st.text())
    def test_text_is_escaped(self, snapshot, name):
        """No text of a snapshot can become markup."""
        hostile = f"<script>{name}</script>\"'&"
        snapshot = dataclasses.replace(
            snapshot, job_id=hostile, message=hostile, state=hostile, counts={hostile: 1}
        )
        html = card(snapshot)
        assert "<script" not in html.lower()
        assert "&lt;script&gt;" in html.lower()

    def test_counts_and_colours(self):
        """Each status has its count and its colour, and the bar is filled with them."""
        html = card(DONE)
        assert "588 ok" in html
        assert "12 failed" in html
        assert "width: 98%; background-color: #2f9e5f" in html
        assert "width: 2%; background-color: #d9534f" in html
        assert 'class="nimble-fill" style="display: flex; height: 10px; width: 100%"' in html


class TestKernel:
    """What a saved notebook holds, run by a real kernel."""

    @pytest.mark.parametrize("blocked", [False, True])
    def test_saved_output(self, tmp_path, blocked):
        """The saved output is the last card, as HTML and text, with ipywidgets and without, and no button."""
        source = f"""
            import sys
            if {blocked}:
                sys.modules["ipywidgets"] = None
            from test_progress import DONE, RUNNING, view
            progress = view("auto", detach=print)
            shown = type(progress.view).__name__
            progress.show(RUNNING)
            progress.close(DONE)
        """
        notebook = run_notebook(tmp_path, source, "print(shown)")
        output, *button = notebook.cells[0].outputs
        assert set(output.data) == {"text/html", "text/plain"}
        assert "".join(output.data["text/plain"]) == words.line(DONE)
        assert "width: 100%" in "".join(output.data["text/html"])
        assert notebook.cells[1].outputs[0].text.strip() == ("Html" if blocked else "Widget")
        assert [each.data for each in button] == ([] if blocked else [{}])
