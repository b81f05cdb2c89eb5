"""Any sequence of kills, of changes to the call and of trouble at the service: it always ends the same."""

import itertools
import random

import hypothesis
import killed
import pandas as pd
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from test_kill import (
    TROUBLE,
    begin,
    call_of,
    child,
    end,
    n_sent,
    n_taken,
    plain,
    service,
    settle_unknown,
    settled,
    undisturbed,
)

import nimble_pandas

__all__ = ["service", "undisturbed"]

# how far a run gets before it is killed, in parts of what an undisturbed one takes
MOMENTS = st.floats(0, 1.1, exclude_min=True)
# the pages of a call, some of them more than once
ROWS = st.lists(st.integers(0, 4), min_size=1, max_size=7)


def as_text(frame):
    """Return what stands in a frame; whether 3 is a number depends on what the other pages say."""
    return frame.astype(object).map(lambda value: "" if pd.isna(value) else str(value))


def by_page(frame):
    """Return the rows in the order of their pages; those of one page are alike."""
    return frame.sort_values("page", kind="stable", ignore_index=True)


class Kills(RuleBasedStateMachine):
    """One call, made again and again by processes that are killed, until one hands out the frame.

    No rule has a precondition, for when a process dies is not the same from run to run.
    """

    # set by the test
    service, folder, undisturbed, n_kills = None, None, None, 0
    _numbers = itertools.count()

    @initialize(
        stored=st.booleans(),
        rows=ROWS,
        trouble=st.sampled_from(TROUBLE),
        max_batch_requests=st.sampled_from([1, 2]),
    )
    def write_the_call(self, stored, rows, trouble, max_batch_requests):
        self.calm, self.n_steps = self.undisturbed[stored]
        self.mark = f"m{next(self._numbers)}"
        self.call = call_of(self.service, self.folder / self.mark, self.mark, stored=stored)
        self.call.max_batch_requests = max_batch_requests
        self.pages = self.call.urls
        self.rows, self.sent_rows = rows, set()
        self.refused = trouble is not None and trouble.kind == "429"
        begin(self.service, trouble)

    @property
    def answered(self):
        """Whether a complete frame was left."""
        return self.call.answer.exists()

    @property
    def unknown(self):
        """Whether rows of it are unknown."""
        return (pd.read_pickle(self.call.answer)["status"] == "unknown").any()

    def can_change(self):
        """Say whether no frame was handed out, so that nothing is asked for anew."""
        jobs = nimble_pandas.jobs(ledger=self.call.ledger())
        return not self.answered and not (jobs["collected"] & jobs["done"]).any()

    def run(self, moment=None, after=None):
        """Make the call as it stands, in a process that may be killed at a step or after some seconds.

        Once there is a frame, what is unknown in it is sent again; after that, nothing is left to do.
        """
        dies_at = None if moment is None else max(1, int(moment * self.n_steps))
        if not self.answered:
            self.call.urls = [self.pages[row] for row in self.rows]
            self.sent_rows.update(self.rows)
            type(self).n_kills += end(child(killed.run, self.call, dies_at), after=after)
        elif self.unknown:
            type(self).n_kills += settle_unknown(self.service, self.call, dies_at)

    @rule(moment=MOMENTS)
    def kill_it_at_a_line(self, moment):
        self.run(moment)

    @rule(moment=MOMENTS)
    def kill_it_at_another_line(self, moment):
        # the same, so that there are more kills than changes
        self.run(moment)

    @rule(seconds=st.floats(0.02, 0.5))
    def kill_it_after_a_while(self, seconds):
        self.run(after=seconds)

    @rule(order=st.integers(0, 2**32))
    def sort_the_rows_anew(self, order):
        if self.can_change():
            self.rows = random.Random(order).sample(self.rows, len(self.rows))

    @rule(rows=ROWS)
    def add_rows(self, rows):
        if self.can_change():
            self.rows = self.rows + rows

    @rule(trouble=st.sampled_from(TROUBLE[1:]))
    def have_more_trouble(self, trouble):
        self.service.inject(trouble)
        self.refused = self.refused or trouble.kind == "429"

    def teardown(self):
        if not hasattr(self, "call"):
            return
        if not self.answered:
            self.run()
        settled(self.service, self.call)
        # who attaches is told which answers are older than the job: those of a call that it took up
        frame = plain(pd.read_pickle(self.call.answer), self.mark).drop(columns="reused")
        expected = self.calm.iloc[self.rows].reset_index(drop=True)
        # a field that none of these pages has is no column here
        assert expected.drop(columns=["reused", *frame.columns]).isna().all(axis=None)
        # a job that is taken up by name has its rows as they were when it was sent
        pd.testing.assert_frame_equal(by_page(as_text(frame)), by_page(as_text(expected[frame.columns])))
        pages = {self.pages[row] for row in self.sent_rows}
        assert n_taken(self.service, self.call, pages) == dict.fromkeys(pages, 1)
        if not self.refused:
            # what is refused may well be sent again
            assert n_sent(self.service, self.call, pages) == dict.fromkeys(pages, 1)


@pytest.mark.timeout(600)  # should it fail, for it is then tried to fail with fewer steps
@pytest.mark.parametrize("seed", range(8))
def test_whenever_it_is_killed_the_same_call_ends_the_same(service, undisturbed, tmp_path, seed):
    """Every row is there, no page was sent twice, and the frame is that of a run that nobody killed."""
    known = {"service": service, "folder": tmp_path, "undisturbed": undisturbed, "n_kills": 0}
    machine = type("Machine", (Kills,), known)
    settings = hypothesis.settings(
        max_examples=8,
        stateful_step_count=12,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    for turn in itertools.count():
        hypothesis.seed(1000 * seed + turn)(machine)
        run_state_machine_as_test(machine, settings=settings)
        if machine.n_kills >= 65:
            break
