"""How far a job has come, in figures and in words; pure."""

from __future__ import annotations

from collections import Counter

from nimble_pandas.job.story import Story
from nimble_pandas.progress import Snapshot

# how close to being forgotten a job says so
_WARN_HOURS = 4.0

#: How to go on once a key is refused.
NEW_KEY = (
    "It looks for the credentials anew: set those that are accepted in the environment, or give attach "
    "a client=nimble_pandas.Client(…)."
)


def snapshot(job_id: str, state: str, story: Story, message: str | None) -> Snapshot:
    """Return how far a job has come, as views are told."""
    n_tasks = story.plan.n_requests
    n_read = n_tasks - story.register.n_open
    n_ended = sum(batch.n_ended for batch in story.batches)
    elapsed = story.elapsed_seconds
    return Snapshot(
        job_id=job_id,
        state=state,
        n_rows=story.plan.n_rows,
        n_tasks=n_tasks,
        n_ended=min(max(n_ended, n_read), n_tasks),
        n_read=n_read,
        counts=dict(story.register.counts),
        n_batches=len(story.batches),
        n_batches_ended=sum(not story.is_open(batch) for batch in story.batches),
        elapsed_seconds=elapsed,
        remaining_seconds=elapsed * (n_tasks - n_read) / n_read if n_read else None,
        message=message,
    )


def how_to_go_on(job_id: str, story: Story) -> str:
    """Return what still runs and is billed, and the line that takes it up again."""
    n_in: Counter[str] = Counter()
    for batch in story.batches:
        n_in[batch.record.state] += len(batch.offset_of)
    facts = [f"{n_in['accepted']:,} requests were submitted and are billed; they go on at the service"]
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
    n_own = sum(len(batch.offset_of) for batch in story.batches if batch.record.state == "planned")
    n_under_way = story.plan.n_requests - n_reused - n_own
    if n_under_way:
        lines.append(f"{n_under_way:,} of {story.plan.n_requests:,} requests were under way already.")
    return "\n".join(lines) or None


def described(job_id: str, story: Story, hours_left: float | None) -> str:
    """Return a job in a line."""
    register = story.register
    counts = [f"{status} {n:,}" for status, n in sorted(register.counts.items())]
    counts += [f"pending {register.n_open:,}"] if register.n_open else []
    soon = hours_left is not None and hours_left < _WARN_HOURS
    warning = f"; the service forgets it in {hours_left:.1f} hours" if soon else ""
    return (
        f"Job {job_id}: {story.plan.n_rows:,} rows, {story.plan.n_requests:,} requests in "
        f"{len(story.batches):,} batches; {', '.join(counts) or 'nothing to send'}{warning}"
    )
