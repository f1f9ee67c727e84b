"""Where studies are kept: Optuna storages that know which running trials have died, opened by URL.

Several processes share any of them; several computers share a journal on a network drive, a PostgreSQL database, or a
storage that one of them serves through Optuna's gRPC proxy.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, GrpcStorageProxy, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from rrgraph.errors import StudyError, reason_of, suggestion
from rrgraph.tuning.heartbeat import BEAT_SECONDS, GRACE_SECONDS, SignallingJournal, SignallingProxy, retry
from rrgraph.util.text import escaped, unicode_text

__all__ = ["default_storage", "opened_storage", "public_url", "repeated"]

_SERVER_SECONDS: Final = 10

_ATTEMPTS: Final = 20
_PAUSE_SECONDS: Final = 0.3

T = TypeVar("T")

_FORMS: Final = "sqlite:///FILE, journal:FILE, postgresql://USER@HOST/DATABASE or grpc://HOST:PORT"


def default_storage(folder: Path) -> str:
    """Return the URL of the SQLite file of a study's folder.

    Raises:
        StudyError: the name of the folder is not UTF-8 text.
    """
    return _checked(f"sqlite:///{folder / 'study.db'}")


def _checked(url: str) -> str:
    if (shown := unicode_text(url)) != url:
        raise StudyError(f"The storage '{public_url(shown)}' cannot be used: its name is not UTF-8 text.")
    return url


def public_url(url: str) -> str:
    """Return a URL without its password."""
    if url.startswith(("journal:", "grpc:")):
        return url
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def repeated(attempt: Callable[[], T]) -> T:
    """Return what a function returns, called again where another process was doing the same at the same moment.

    Processes that start a study at the same time all create its tables and its record.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return attempt()
        except (SQLAlchemyError, StorageInternalError) as error:
            reasons = f"{error} {error.__cause__}".lower()
            if not any(word in reasons for word in ("exists", "locked", "unique", "duplicate")):
                raise
            time.sleep(_PAUSE_SECONDS * random.random())
    return attempt()


@contextmanager
def opened_storage(url: str, *, existing: bool = False) -> Iterator[BaseStorage]:
    """Open the storage of a URL for a while.

    Args:
        url: `sqlite:///FILE`, `journal:FILE`, `postgresql://USER@HOST/DATABASE` or another database that SQLAlchemy
            knows, or `grpc://HOST:PORT`.
        existing: to be read only; nothing is made or changed where there is no storage.

    Raises:
        StudyError: the URL cannot be read, a package is missing, or the storage cannot be reached.
    """
    scheme, _, rest = _checked(url).partition(":")
    if scheme == "journal":
        if existing:
            _expect_file(rest, url)
        yield _open_journal(rest)
    elif scheme == "grpc":
        proxy = _open_proxy(url)
        import grpc

        try:
            yield proxy
        except grpc.RpcError as error:
            raise _lost(url, error) from None
        finally:
            proxy.close()
    else:
        database = _open_database(url, existing=existing)
        try:
            yield database
        except (SQLAlchemyError, StorageInternalError) as error:
            raise _lost(url, error) from None
        finally:
            database.remove_session()
            database.engine.dispose()


def _expect_file(path: str, url: str) -> None:
    """Refuse the storage of an earlier study that is not there."""
    file = Path(path)
    if not file.is_file():
        near = suggestion(file.name, [each.name for each in file.parent.glob("*")])
        raise StudyError(f"There is no storage '{url}': the file '{path}' does not exist.{near}")


def _open_journal(path: str) -> BaseStorage:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return SignallingJournal(JournalFileBackend(path))
    except OSError as error:
        raise StudyError(f"The journal '{path}' cannot be opened: {reason_of(error)}.") from None
    except (ValueError, RecursionError) as error:  # JSON may be nested without end
        raise StudyError(f"The file '{path}' is not the journal of a study: {escaped(reason_of(error))}.") from None


def _open_proxy(url: str) -> GrpcStorageProxy:
    host, _, port = url.removeprefix("grpc://").rpartition(":")
    if not host or not port.isdecimal():
        raise StudyError(f"The storage '{url}' cannot be read, expected grpc://HOST:PORT.")
    _need("grpc", "grpcio", "A gRPC proxy")
    proxy = SignallingProxy(host=host, port=int(port))
    try:
        proxy.wait_server_ready(timeout=_SERVER_SECONDS)
    except ConnectionError:
        raise StudyError(f"No gRPC proxy answers at {host}:{port}; start one as docs/tuning.md shows.") from None
    return proxy


def _open_database(url: str, *, existing: bool) -> RDBStorage:
    try:
        parsed = make_url(url)
    except ArgumentError:
        near = f" Did you mean 'sqlite:///{url}'?" if url.endswith((".db", ".sqlite", ".sqlite3")) else ""
        raise StudyError(f"The storage '{url}' cannot be read, expected {_FORMS}.{near}") from None
    options: dict[str, Any] = {"pool_pre_ping": True}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise StudyError("A study in memory could not be resumed; expected sqlite:///FILE.")
        options["connect_args"] = {"timeout": 60}
        if existing:
            _expect_file(parsed.database, url)
            file = Path(parsed.database).absolute().as_uri()
            parsed = parsed.set(database=file, query={"mode": "ro", "uri": "true"})
    if parsed.drivername == "postgresql" and find_spec("psycopg2") is None:
        _need("psycopg", "psycopg[binary]", "PostgreSQL")
        parsed = parsed.set(drivername="postgresql+psycopg")
    public = public_url(url)
    try:
        return repeated(
            lambda: RDBStorage(
                parsed.render_as_string(hide_password=False),
                engine_kwargs=options,
                heartbeat_interval=BEAT_SECONDS,
                grace_period=GRACE_SECONDS,
                heartbeat_stale_trial_callback=retry,
                skip_table_creation=existing,
            )
        )
    except (NoSuchModuleError, ImportError) as error:
        raise StudyError(f"The storage '{public}' needs a package that is not installed: {error}.") from None
    except (SQLAlchemyError, StorageInternalError) as error:
        raise StudyError(f"The storage '{public}' cannot be opened: {_reason(error)}.") from None
    except RuntimeError as error:  # of another version of Optuna
        raise StudyError(f"The storage '{public}' cannot be used: {reason_of(error)}.") from None


def _lost(url: str, error: Exception) -> StudyError:
    return StudyError(f"The storage '{public_url(url)}' failed: {_reason(error)}; what is finished is kept.")


def _reason(error: Exception) -> str:
    """Return the message of the database, without the SQL statement."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    return escaped(reason_of(getattr(cause, "orig", None) or error))


def _need(module: str, package: str, what: str) -> None:
    if find_spec(module) is None:
        raise StudyError(f"{what} needs {package}, which is not installed: pip install 'rrgraph[tuning]'.")
