"""Progress in a notebook: a card of HTML and, where it would be heard, a button.

The card is no widget, for saved widget state renders blank without a kernel: it is shown under a display id
and replaced with each snapshot, so that whatever is saved, and whenever the kernel dies, the notebook keeps
the newest card as ``text/html`` and ``text/plain``, which every reader of notebooks shows. The button has an
output of its own, which the last snapshot empties.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nimble_pandas.progress import words
from nimble_pandas.progress.card import card
from nimble_pandas.progress.snapshot import Snapshot

#: What can be done while a job is shown: in a cell that keeps the kernel busy, and in one that does not.
BUSY_HINT = "Interrupt the kernel (■) to detach: the job goes on at the service."
FREE_HINT = "To detach, call detach() of the job: it goes on at the service."


class Html:
    """A card of HTML in the cell's output, replaced as a whole with each snapshot.

    Parameters
    ----------
    hint : str
        What can be done while it lasts.
    """

    def __init__(self, hint: str) -> None:
        self._hint = hint
        self._handle: Any = None

    def show(self, snapshot: Snapshot) -> None:
        """Show the card, or replace it.

        Parameters
        ----------
        snapshot : Snapshot
            The newest.
        """
        if self._handle is None:
            self._handle = _display(bundle(snapshot, self._hint))
        else:
            self._handle.update(bundle(snapshot, self._hint), raw=True)

    def close(self, snapshot: Snapshot) -> None:
        """Show the last card.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """
        self.show(snapshot)


class Widget(Html):
    """The card and, below it while it lasts, a button that detaches.

    Parameters
    ----------
    detach : callable
        What the button calls, in whatever thread the kernel hears of the click.
    """

    def __init__(self, detach: Callable[[], object]) -> None:
        # the button says it
        super().__init__(hint="")
        self._detach = detach
        self._button: Any = None
        self._place: Any = None

    def show(self, snapshot: Snapshot) -> None:
        """Show the card and the button, or replace the card.

        Parameters
        ----------
        snapshot : Snapshot
            The newest.
        """
        super().show(snapshot)
        if self._button is None:
            self._open()

    def close(self, snapshot: Snapshot) -> None:
        """Show the last card, and take the button away.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """
        super().show(snapshot)
        if self._button is not None:
            # an output that holds nothing takes no room
            self._place.update({}, raw=True)
            for model in (self._button, self._button.style, self._button.layout):
                model.close()

    def _open(self) -> None:
        import ipywidgets

        self._button = ipywidgets.Button(
            description="Detach", icon="eject", tooltip="Stop watching; the job goes on at the service"
        )
        self._button.add_class("nimble-detach")
        self._button.on_click(lambda _: self._detach())
        # a front end that has no widgets shows the words in the button's place
        fallback = {"text/plain": FREE_HINT, "text/html": f"<small>{FREE_HINT}</small>"}
        self._place = _display({**self._button._repr_mimebundle_(), **fallback})


def bundle(snapshot: Snapshot, hint: str = "") -> dict[str, str]:
    """Return what a notebook keeps of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        The job.
    hint : str, default ""
        What can be done while it lasts.

    Returns
    -------
    dict of str to str
        HTML and plain text, by media type.
    """
    return {"text/html": card(snapshot, hint), "text/plain": words.text(snapshot)}


def _display(data: dict[str, Any]) -> Any:  # noqa: ANN401 -- a handle of IPython's, which is untyped
    from IPython.display import display

    return display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
