"""Progress in a notebook: a widget while it lasts, plain HTML ever after.

Saved widget state renders blank without a kernel, so the output is shown under a display id and replaced at
the end by ``text/html`` and ``text/plain``, which every reader of notebooks shows.
"""

from __future__ import annotations

from typing import Any

from nimble_pandas.progress import words
from nimble_pandas.progress.card import card
from nimble_pandas.progress.snapshot import Snapshot


class Html:
    """A card of HTML in the cell's output, replaced as a whole with each snapshot."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, snapshot: Snapshot) -> None:
        """Show the card, or replace it.

        Parameters
        ----------
        snapshot : Snapshot
            The newest.
        """
        if self._handle is None:
            self._handle = _display(bundle(snapshot))
        else:
            self._handle.update(bundle(snapshot), raw=True)

    def close(self, snapshot: Snapshot) -> None:
        """Show the last card.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """
        self.show(snapshot)


class Widget:
    """The card as a widget, which can hold more than HTML; at the end the card alone stays."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._card: Any = None
        self._box: Any = None

    def show(self, snapshot: Snapshot) -> None:
        """Show the widget, or set its value.

        Parameters
        ----------
        snapshot : Snapshot
            The newest.
        """
        if self._box is None:
            self._open(snapshot)
        else:
            self._card.value = card(snapshot)

    def close(self, snapshot: Snapshot) -> None:
        """Put the card in the widget's place, and close the widget.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """
        if self._box is None:
            Html().show(snapshot)
            return
        self._handle.update(bundle(snapshot), raw=True)
        self._card.close()
        self._box.close()

    def _open(self, snapshot: Snapshot) -> None:
        import ipywidgets

        self._card = ipywidgets.HTML(card(snapshot))
        self._box = ipywidgets.VBox([self._card])
        # a front end that has no widgets shows the text in their place
        data = {**bundle(snapshot), **self._box._repr_mimebundle_()}
        data["text/plain"] = words.text(snapshot)
        self._handle = _display(data)


def bundle(snapshot: Snapshot) -> dict[str, str]:
    """Return what a notebook keeps of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    dict of str to str
        HTML and plain text, by media type.
    """
    return {"text/html": card(snapshot), "text/plain": words.text(snapshot)}


def _display(data: dict[str, Any]) -> Any:  # noqa: ANN401 -- a handle of IPython's, which is untyped
    from IPython.display import display

    return display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
