"""The service over HTTP."""

from nimble_pandas.client.client import Client
from nimble_pandas.client.failures import ERRORS

__all__ = ["ERRORS", "Client"]
