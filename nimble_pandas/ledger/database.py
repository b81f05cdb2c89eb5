"""The ledger's file: made once, shared by kernels, and what is said where it cannot be used."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shlex
import sqlite3
from collections.abc import Iterator

import filelock
import platformdirs

from nimble_pandas.errors import ConfigError
from nimble_pandas.ledger.schema import TABLES, VERSION

_FILE = "ledger.sqlite"

# another kernel may hold the file while it writes down a job
_BUSY_SECONDS = 30.0

# at most, and given back at once
_CACHE_KB = 16_384


def default_folder() -> pathlib.Path:
    """Return where the ledger is: ``NIMBLE_PANDAS_HOME``, else the user's data folder.

    Returns
    -------
    pathlib.Path
        Which need not exist yet.
    """
    home = os.environ.get("NIMBLE_PANDAS_HOME")
    return pathlib.Path(home) if home else platformdirs.user_data_path("nimble_pandas", appauthor=False)


class Database:
    """A SQLite file that is opened for each step, and made where there is none.

    Parameters
    ----------
    folder : pathlib.Path
        Where it is, with its locks beside it.

    Raises
    ------
    ConfigError
        The file cannot be written, is damaged, or is of a newer version; nothing was sent.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self.path = folder / _FILE
        with self.explained():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # made before SQLite opens it, so that others can never read it
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            # SQLite waits for a lock, but not when two make a file at once
            with filelock.FileLock(folder / "making.lock", timeout=_BUSY_SECONDS):
                with self.reading() as connection:
                    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                        connection.execute("PRAGMA journal_mode = WAL")
                with self.writing() as connection:
                    self._prepare(connection)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise ConfigError(
                f"the ledger {self.path} is of version {version}, and this library reads version {VERSION}.",
                hint="Nothing was sent. Install a newer nimble_pandas, or set NIMBLE_PANDAS_HOME.",
            )
        if version < VERSION:
            for statement in filter(str.strip, TABLES.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open the file for the length of a block.

        Yields
        ------
        sqlite3.Connection
            To be read from.

        Raises
        ------
        ConfigError
            The file cannot be used.
        """
        with self.explained(), self._opened() as connection:
            yield connection

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        try:
            # a commit is on the disk when it returns: that is what an intent is for
            connection.execute("PRAGMA synchronous = FULL")
            # content keys are scattered over their index: with the usual 2 MB a large job turns its pages
            # over and over; with 64 MB a million requests take a sixth less time, and 60 MB more
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            yield connection
        finally:
            connection.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open the file for a block that is written as a whole, or not at all.

        Yields
        ------
        sqlite3.Connection
            To be read from and written to; no other kernel writes meanwhile.

        Raises
        ------
        ConfigError
            The file cannot be used; nothing of the block is written.
        """
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[bool]:
        """Keep other kernels from what has a name while a block runs.

        Parameters
        ----------
        name : str
            The lock's.

        Yields
        ------
        bool
            Whether it is ours.

        Raises
        ------
        ConfigError
            The folder cannot be written.
        """
        folder = self._folder / "locks"
        with contextlib.ExitStack() as held:
            with self.explained():
                folder.mkdir(exist_ok=True, mode=0o700)
                ours = self._locked(folder / f"{name}.lock", held)
                # while it is open, a commit is one fsync: SQLite tidies up when the last one closes
                held.enter_context(self._opened())
            # by whichever thread, for the last that sends is not always the one that began
            yield ours

    def _locked(self, path: pathlib.Path, held: contextlib.ExitStack) -> bool:
        # of the system's own kind, which is dropped with its process
        try:
            held.enter_context(filelock.FileLock(path, thread_local=False).acquire(timeout=0))
        except filelock.Timeout:
            return False
        return True

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Say of what goes wrong in a block what it means for the ledger.

        Raises
        ------
        ConfigError
            The file is damaged, or it or its folder cannot be used.
        """
        try:
            yield
        except sqlite3.DatabaseError as exc:
            damaged = not isinstance(exc, sqlite3.OperationalError | sqlite3.IntegrityError)
            raise self._error(exc, damaged=damaged) from exc
        except OSError as exc:
            raise self._error(exc, damaged=False) from exc

    def _error(self, exc: Exception, *, damaged: bool) -> ConfigError:
        if damaged:
            return ConfigError(
                f"the ledger {self.path} is damaged: {exc}.",
                hint=f"It was left as it is. Move the folder aside, do not delete it, and call again: "
                f"mv {shlex.quote(str(self._folder))} {shlex.quote(f'{self._folder}.damaged')} -- jobs with "
                "a storage_url can be read without it: nimble_pandas.read_outputs(storage_url).",
            )
        return ConfigError(
            f"the ledger {self.path} cannot be used: {exc}.",
            hint="Nothing more was sent. Free the disk, or name another folder: NIMBLE_PANDAS_HOME.",
        )
