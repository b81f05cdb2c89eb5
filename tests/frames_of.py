"""Frames of entities that a test gives as they are."""

from msgspec.structs import replace

from nimble_pandas import frames
from nimble_pandas.frames import Answer, Page, Pages


def by_type(*entities):
    """Group entities, each a type and fields, as an output has them."""
    groups = {}
    for entity_type, fields in entities:
        groups.setdefault(entity_type, []).append(fields)
    return groups


def one_by_one(page):
    """Return the entities of a page, each a type and fields, in page order."""
    return [(entity_type, fields) for entity_type, group in page.entities.items() for fields in group]


def answered(*, entities=(), html=None, **known):
    """Return an answer and its page, as `assemble` below takes them; each entity is a type and fields."""
    return Answer(**known), Page(entities=by_type(*entities), html=html)


def assemble(rows, known, answer_of_row, **options):
    """Assemble the frame of answers that bring their pages."""
    pages = Pages()
    answers = [replace(answer, page=pages.add(page)) for answer, page in known]
    return frames.assemble(rows, answers, answer_of_row, pages, **options)
