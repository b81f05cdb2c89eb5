"""The place where a job's outputs land."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fsspec.core import url_to_fs

from nimble_pandas.errors import ConfigError, OutputMissing, OutputUnreadable, StorageError
from nimble_pandas.options import Options
from nimble_pandas.patience import do_apart
from nimble_pandas.storage.choice import asked_for, choose
from nimble_pandas.storage.locations import normalise_url
from nimble_pandas.storage.packing import Packed, unpack
from nimble_pandas.storage.readers import Reader

# of an output below its prefix: it ends in no slash, and nothing in it is chained or escaped
_NAME = re.compile(r"(?!.*::)[^\\\x00-\x1f\x7f]*[^\\\x00-\x1f\x7f/]", re.DOTALL)
# as most have: the same in all spellings, and no way anywhere
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SLASHES = re.compile(r"[/\\]")


class Store:
    """The place where a job's outputs land.

    Parameters
    ----------
    storage_url : str
        A location, as `normalise_url` returns it.
    storage_options : Mapping, optional
        Handed to fsspec as they are.

    Raises
    ------
    ConfigError
        fsspec does not know the protocol or does not take the options, or ``NIMBLE_PANDAS_READER`` names no
        reader.
    """

    def __init__(self, storage_url: str, storage_options: Mapping[str, Any] | None = None) -> None:
        self.storage_url = storage_url
        self._choice = asked_for()
        self._reader: Reader | None = None
        self._options = storage_options = Options(storage_options)
        try:
            # a cached listing hides files that land later
            self.fs, self.path = url_to_fs(storage_url, **{"use_listings_cache": False, **storage_options})
        except Exception as exc:  # noqa: BLE001 -- each store's library has errors of its own
            what = self._what(exc)
        else:
            return
        # out here, for the foreign error, which would be its context, holds what is masked
        raise ConfigError(
            f"the store of {storage_url!r} cannot be opened: {what}.",
            hint="Nothing was sent. Check storage_url= and storage_options=.",
        )

    def __reduce__(self) -> tuple[type[Store], tuple[str]]:
        # fsspec's pickles hold the options
        return Store, (self.storage_url,)

    def __deepcopy__(self, memo: object) -> Store:
        # nothing in it changes, and unlike a pickle a copy stays where the options are
        return self

    def __repr__(self) -> str:
        return f"Store({self.storage_url!r})"

    def holds(self, url: str) -> bool:
        """Say whether `url` lies under this store's prefix, with no way out of it.

        Parameters
        ----------
        url : str
            Where the service says that an output lies.

        Returns
        -------
        bool
            False for another bucket, prefix or protocol, for any ``..``, encoded or not, and for what some
            reader may take for more than a name: a backslash, ``::``, a control character.
        """
        prefix = self.storage_url.rstrip("/") + "/"
        if "://" in prefix and url.startswith(prefix) and _PLAIN_NAME.fullmatch(url, len(prefix)):
            return True
        try:
            inside, _, name = normalise_url(url).partition(prefix)
        except ConfigError:
            return False
        decoded = unquote(unquote(url))
        return not inside and _NAME.fullmatch(name) is not None and ".." not in _SLASHES.split(decoded)

    def read(self, urls: Sequence[str]) -> Iterator[tuple[str, bytes | StorageError]]:
        """Read outputs, many at a time.

        Parameters
        ----------
        urls : sequence of str
            Where they lie.

        Yields
        ------
        tuple of str and (bytes or StorageError)
            Each URL, in order, with what lies there, unpacked, or the reason why it cannot be read.
        """
        for url, found in zip(urls, self._reading().read(urls), strict=True):
            yield url, found if isinstance(found, bytes) else self._unpacked(url, found)

    def find(self, prefix: str | None = None) -> list[str]:
        """Return the URLs of all outputs under the prefix, sorted.

        Parameters
        ----------
        prefix : str, optional
            A part of this store; all of it if not given.

        Returns
        -------
        list of str
            Of every object whose name ends in ``.json`` or ``.json.gz``.

        Raises
        ------
        StorageError
            The prefix cannot be listed.
        """
        try:
            path = self.path if prefix is None else self.fs._strip_protocol(prefix)  # noqa: SLF001
            paths = self._reading().find(path)
        except ConfigError:
            raise
        except Exception as exc:  # noqa: BLE001 -- as above
            error = self._error(prefix or self.storage_url, exc)
        else:
            return self._outputs(paths)
        raise error

    def upload(self, file: Path, url: str) -> None:
        """Put a file under this store; nobody sees it before it is complete.

        Parameters
        ----------
        file : pathlib.Path
            Of this machine.
        url : str
            Where to.

        Raises
        ------
        StorageError
            It cannot be written; what was there before is there still.
        """
        try:
            self.fs.put_file(str(file), self.fs._strip_protocol(url))  # noqa: SLF001
        except Exception as exc:  # noqa: BLE001 -- as above
            error = StorageError(f"{url} cannot be written: {self._what(exc)}")
        else:
            return
        raise error

    def _outputs(self, paths: Iterable[str]) -> list[str]:
        protocol = self.storage_url.partition("://")[0]
        # in the spelling that `normalise_url` gives, of which a bucket's path needs no more
        spell = f"{protocol}://{{}}".format if protocol in {"s3", "gs"} else self._spell
        return [spell(path) for path in sorted(paths) if path.endswith((".json", ".json.gz"))]

    def _spell(self, path: str) -> str:
        return normalise_url(self.fs.unstrip_protocol(path))

    def _reading(self) -> Reader:
        if self._reader is None:
            protocol = self.storage_url.partition("://")[0]
            # credentials may be asked for, wherever they are
            self._reader = do_apart(lambda: choose(self.fs, self.path, protocol, self._choice))
        return self._reader

    def _unpacked(self, url: str, found: Packed | BaseException) -> bytes | StorageError:
        if isinstance(found, Packed):
            try:
                return unpack(found.raw)
            except OutputUnreadable as exc:
                return exc
        if not isinstance(found, Exception):
            # an interrupt is nobody's output
            raise found
        return self._error(url, found)

    def _error(self, url: str, exc: Exception) -> StorageError:
        if isinstance(exc, StorageError):
            return exc
        if isinstance(exc, FileNotFoundError):
            return OutputMissing(f"there is no output at {url}")
        return StorageError(f"{url} cannot be read: {self._what(exc)}")

    def _what(self, exc: Exception) -> str:
        """Return what a store's library says, without the options that it was given."""
        text = self._options.mask(str(exc))
        return f"{type(exc).__name__}: {text}" if text not in {"", "None"} else type(exc).__name__
