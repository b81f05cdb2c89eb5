"""Frames of entities that a test gives as they are."""

from msgspec.structs import replace

from nimble_pandas import frames
from nimble_pandas.frames import Answer, Page, Pages


def answered(*, entities=(), html=None, **known):
    """Return an answer and its page, as `assemble` below takes them."""
    return Answer(**known), Page(entities=entities, html=html)


def assemble(rows, known, answer_of_row, **options):
    """Assemble the frame of answers that bring their pages."""
    pages = Pages()
    answers = [replace(answer, page=pages.add(page)) for answer, page in known]
    return frames.assemble(rows, answers, answer_of_row, pages, **options)
