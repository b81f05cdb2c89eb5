"""The face of the library: its names, its signatures, and how little it takes to import it."""

import inspect
import json
import pickle
import subprocess
import sys

import pandas as pd
import pytest

import nimble_pandas
from nimble_pandas import errors
from nimble_pandas.accessor import NimbleAccessor


def test_names_are_sorted_and_there():
    """Every public name exists, is found by tab completion, and stands in order."""
    assert nimble_pandas.__all__ == sorted(nimble_pandas.__all__)
    for name in nimble_pandas.__all__:
        assert getattr(nimble_pandas, name) is not None
        assert name in dir(nimble_pandas)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nimble_pandas.nonsense  # noqa: B018 -- the access is the test


def test_verbs_are_functions_after_everything_was_imported():
    """No room of the house takes the name of a verb."""
    import nimble_pandas.cli
    import nimble_pandas.job

    for name in ("plan", "submit", "batch"):
        assert inspect.isfunction(getattr(nimble_pandas, name))


@pytest.mark.parametrize("name", ["plan", "submit", "batch"])
def test_the_accessor_has_the_signature_of_its_twin(name):
    """Names, order, defaults and annotations are equal, but for the frame; both are documented."""
    function = getattr(nimble_pandas, name)
    method = getattr(pd.DataFrame().nimble, name)
    _, *expected = inspect.signature(function).parameters.values()
    assert list(inspect.signature(method).parameters.values()) == expected
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in expected)
    assert "\n    url_col : label" in method.__doc__
    assert "frame : pandas.DataFrame, shape" not in method.__doc__
    assert "{" not in method.__doc__.partition("Examples")[0].replace('{"', "")


@pytest.mark.parametrize(
    "name", ["prices", "compare", "changes", "plot_prices", "plot_history", "plot_status"]
)
def test_what_comes_next_has_the_signature_of_its_twin(name):
    """What is asked of a frame is a method and a function, alike but for the frame."""
    function = getattr(nimble_pandas, name)
    method = getattr(pd.DataFrame().nimble, name)
    _, *expected = inspect.signature(function).parameters.values()
    assert list(inspect.signature(method).parameters.values()) == expected
    assert "frame : pandas.DataFrame, shape" not in method.__doc__


def test_the_shorter_verbs_share_the_description_of_their_arguments():
    """An argument is described in the same words at every verb that has it."""
    for verb in (nimble_pandas.plan, nimble_pandas.submit):
        for name in inspect.signature(verb).parameters:
            assert f"\n    {name} : " in verb.__doc__
    assert "timeout : " not in nimble_pandas.submit.__doc__


def test_a_wrong_argument_name_is_a_type_error():
    """The accessor refuses what the function refuses."""
    with pytest.raises(TypeError, match="urlcol"):
        pd.DataFrame().nimble.batch(urlcol="url")


def test_making_the_accessor_does_nothing():
    """Tab completion builds one for every frame, so it must not fail, whatever the frame."""
    for frame in (pd.DataFrame(), pd.DataFrame([[1, 2]], columns=["a", "a"])):
        assert isinstance(frame.nimble, NimbleAccessor)
        assert "nimble" in dir(frame)


def test_importing_is_light():
    """Neither the import nor a plan loads what needs the network, the stores, the notebook or the service."""
    code = """
import sys, json, pandas as pd, nimble_pandas
pd.DataFrame({"url": ["https://a.b/"]}).nimble.plan(url_col="url", vendor="walmart")
print(json.dumps(list(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = set(json.loads(ran.stdout))
    heavy = {
        "requests",
        "s3fs",
        "gcsfs",
        "fsspec",
        "ipywidgets",
        "IPython",
        "starlette",
        "uvicorn",
        "extruct",
        "babel",
        "price_parser",
        "matplotlib",
    }
    assert not loaded & heavy


ERRORS = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_errors_say_what_to_do_and_survive_a_pickle(error):
    """Every error shows its hint, can be built bare, and comes back from another process as it was."""
    raised = error("it broke", hint="type this")
    raised.batch_id = "b1"
    again = pickle.loads(pickle.dumps(raised))
    assert str(again) == str(raised) == "it broke\ntype this"
    assert vars(again) == vars(raised)
    assert str(error()) == ""
    assert issubclass(error, nimble_pandas.NimbleError)


def test_policies_name_the_documented_principal():
    """The bucket policy is JSON with the documented actions; for GCS it is the role to give."""
    policy = json.loads(nimble_pandas.bucket_policy("s3://my-bucket/prefix/"))
    assert {statement["Principal"]["AWS"] for statement in policy["Statement"]} == {
        "arn:aws:iam::744254827463:user/webit-uploader"
    }
    assert [(s["Action"], s["Resource"]) for s in policy["Statement"]] == [
        (["s3:PutObject", "s3:PutObjectACL"], "arn:aws:s3:::my-bucket/*"),
        ("s3:GetBucketLocation", "arn:aws:s3:::my-bucket"),
    ]
    assert "kms:GenerateDataKey*" in nimble_pandas.key_policy()
    assert "roles/storage.objectCreator" in nimble_pandas.bucket_policy("gs://b")
    assert nimble_pandas.bucket_policy("b") == nimble_pandas.bucket_policy("s3://b")
    for wrong in ("", "s3://", "ftp://b"):
        with pytest.raises(nimble_pandas.ConfigError):
            nimble_pandas.bucket_policy(wrong)
