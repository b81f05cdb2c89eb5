"""What is public is documented under its real names, as it is when it is imported."""

import inspect

import pytest
from numpydoc.validate import validate

import nimble_pandas
from nimble_pandas.accessor import NimbleAccessor

# parameters, what comes back, and the summary; the linter reads the rest from the source
CHECKED = ("GL08", "PR", "RT01", "RT02", "RT03", "SS01", "SS03")


def public_names():
    """Return the dotted names of all that a user can reach: functions, classes, methods and properties."""
    names = []
    for name in nimble_pandas.__all__:
        thing = getattr(nimble_pandas, name)
        if not inspect.ismodule(thing):
            names += [f"nimble_pandas.{name}", *members(f"nimble_pandas.{name}", thing)]
    return names + members("nimble_pandas.accessor.NimbleAccessor", NimbleAccessor)


def members(prefix, thing):
    """Return the dotted names of the public methods and properties that a class has from this package."""
    if not inspect.isclass(thing):
        return []
    return [
        f"{prefix}.{name}"
        for each in thing.__mro__
        if each.__module__.startswith("nimble_pandas.")
        for name, value in vars(each).items()
        if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
    ]


@pytest.mark.parametrize("name", public_names())
def test_documented(name):
    """Every parameter, and what comes back, is documented."""
    found = validate(name)
    errors = [(code, text) for code, text in found["errors"] if code.startswith(CHECKED)]
    # the parameters of an inherited constructor are documented where it is written
    assert errors == [] or (found["type"] == "type" and inherits_constructor(name))


def inherits_constructor(name):
    """Return whether a class of the package has its parent's constructor."""
    return "__init__" not in vars(getattr(nimble_pandas, name.removeprefix("nimble_pandas.")))
