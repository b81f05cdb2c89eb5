"""How far a job has come, in figures and in words; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nimble_pandas.job.story import Story
from nimble_pandas.progress import Landed, Problem, Snapshot

# a batch in one of these states may be running and billed
_MAY_RUN = frozenset({"intent", "accepted", "unknown"})

#: How to go on once a key is refused.
NEW_KEY = (
    "It looks for the credentials anew: set those that are accepted in the environment, or give attach "
    "a client=nimble_pandas.Client(…)."
)


# what is sent again when asked; an empty page was delivered, and would be empty again
FAILED = frozenset({"failed", "not_delivered", "unreadable", "mismatch", "expired"})


def snapshot(
    job_id: str,
    state: str,
    story: Story,
    *,
    message: str | None = None,
    pages_per_second: float | None = None,
    landed: Sequence[Landed] = (),
    problems: Sequence[Problem] = (),
) -> Snapshot:
    """Return how far a job has come, as views are told; what it costs grows with the batches alone."""
    n_tasks, n_open = story.plan.n_requests, story.register.n_open
    n_ended = sum(batch.n_ended for batch in story.books.batches)
    return Snapshot(
        job_id=job_id,
        state=state,
        n_rows=story.plan.n_rows,
        n_tasks=n_tasks,
        n_ended=min(max(n_ended, n_tasks - n_open), n_tasks),
        n_read=n_tasks - n_open,
        counts=dict(story.register.counts),
        n_batches=len(story.books.batches),
        n_batches_ended=sum(not story.books.is_open(batch) for batch in story.books.batches),
        elapsed_seconds=story.books.elapsed_seconds,
        remaining_seconds=n_open / pages_per_second if pages_per_second else None,
        message=message,
        pages_per_second=pages_per_second,
        n_reused=story.register.n_reused,
        hours_left=hours_left(story),
        landed=landed,
        problems=problems,
    )


def hours_left(story: Story) -> float | None:
    """Return the hours until the service forgets the first batch that is not done; None if there is none."""
    now = story.clock.now().timestamp()
    left = [(batch.record.expires_at - now) / 3600 for batch in story.books.running()]
    return max(min(left), 0.0) if left else None


def standing(story: Story) -> str:
    """Return the state of a job that nobody waits for."""
    if story.done:
        return "done"
    return "running" if may_run(story) else "submitting"


def may_run(story: Story) -> bool:
    """Say whether anything of the job may be running, and billed."""
    books = story.books
    return books.n_to_take_up > 0 or any(batch.record.state in _MAY_RUN for batch in books.batches)


def how_to_go_on(job_id: str, story: Story) -> str:
    """Return what still runs and is billed, and the line that takes it up again."""
    n_in: Counter[str] = Counter()
    for batch in story.books.batches:
        n_in[batch.record.state] += len(batch.offset_of)
    n_sent = n_in["accepted"] + story.books.n_to_take_up
    if not n_sent and not n_in:
        return "Nothing was sent."
    facts = [f"{n_sent:,} requests were submitted and are billed; they go on at the service"]
    if n_in["intent"] + n_in["unknown"]:
        facts.append(f"{n_in['intent'] + n_in['unknown']:,} may have been, and are looked for")
    if n_in["planned"]:
        facts.append(f"{n_in['planned']:,} were not sent yet, and are when the job is taken up")
    return (
        f"Job {job_id}: {'; '.join(facts)}.\n"
        f'Take it up again: job = nimble_pandas.attach("{job_id}"); frame = job.wait().frame()'
    )


def what_was_there(story: Story, n_reused: int) -> str | None:
    """Return what does not have to be sent, in a line each; None if all of it has to."""
    lines = []
    if n_reused:
        times = [answer.fetched_at for answer in story.register.answers if answer.reused]
        oldest = story.clock.now() - min(filter(None, times))
        hours = max(oldest.total_seconds(), 0.0) / 3600
        lines.append(f"{n_reused:,} requests reuse outputs; the oldest page is {hours:.1f} hours old.")
    n_own = sum(len(batch.offset_of) for batch in story.books.batches if batch.record.state == "planned")
    n_under_way = story.plan.n_requests - n_reused - n_own
    if n_under_way:
        lines.append(f"{n_under_way:,} of {story.plan.n_requests:,} requests were under way already.")
    return "\n".join(lines) or None


def what_is_next(job_id: str, story: Story) -> str:
    """Return what to type next, in a line or two; empty if all is well."""
    counts = story.register.counts
    take_up = f'job = nimble_pandas.attach("{job_id}")'
    if not story.done:
        return f"{take_up}\njob.frame() is what has come so far; job.watch() shows it live; job.wait() waits."
    n_again = sum(n for status, n in counts.items() if status in FAILED)
    if n_again:
        return f"{take_up}\njob.failed() lists them; job.retry_failed().wait() sends {n_again:,} again."
    if set(+counts) - {"ok"}:
        return f"{take_up}\njob.failed() lists them."
    return ""
