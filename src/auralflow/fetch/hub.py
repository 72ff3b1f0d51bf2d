"""Repositories of the Hugging Face Hub, through the package `huggingface_hub` (the extra `hub`).

What is downloaded lies in the folder `hub` of the cache. What is there is used as it is, without a look at the network;
a newer state is looked for only when it is asked for. Another server than huggingface.co is chosen by that package's
own variable, `HF_ENDPOINT`, and accounts are its affair too (`hf auth login`, or `HF_TOKEN`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auralflow.errors import DownloadError, import_extra
from auralflow.fetch.events import FetchEvents, Transfer
from auralflow.fetch.folder import CACHE_VARIABLE, cache_folder, is_offline, writing

PREFIX = "hf:"

_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def read_name(name: str) -> tuple[str, str | None]:
    """Repository and revision of `hf:owner/name@revision`.

    Raises:
        DownloadError: it is none.

    Example:
        >>> read_name("hf:somebody/voices"), read_name("hf:somebody/voices@v2")
        (('somebody/voices', None), ('somebody/voices', 'v2'))
    """
    found = _NAME.fullmatch(name.removeprefix(PREFIX))
    if found is None:
        raise DownloadError(f"{name}: expected {PREFIX}OWNER/NAME or {PREFIX}OWNER/NAME@REVISION")
    return found["repository"], found["revision"]


def fetch_repository(
    name: str, patterns: Sequence[str], *, events: FetchEvents | None = None, offline: bool = False, again: bool = False
) -> Path:
    """A folder with the files of a repository that match the patterns.

    Args:
        name: `hf:owner/name`, perhaps with `@revision`: a branch, a tag or a commit.
        again: look for a newer state, even if there is one here.

    Raises:
        DownloadError: it is not there, or cannot be reached.
        MissingExtraError: `huggingface_hub` is not installed.
    """
    repository, revision = read_name(name)
    hub = import_extra("huggingface_hub", "hub")
    folder = cache_folder() / "hub"
    wanted: dict[str, Any] = {"revision": revision, "cache_dir": folder, "allow_patterns": list(patterns)}
    if not again:
        try:
            return Path(hub.snapshot_download(repository, local_files_only=True, **wanted))
        except (OSError, hub.errors.EntryNotFoundError):
            pass  # not here yet, or not all of it
    if offline or is_offline():
        raise DownloadError(
            f"{name}: is not on this machine, and downloads are switched off; run 'auralflow download {name}' where "
            f"there is a network, and copy {cache_folder()} from there"
        )
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    events = events or FetchEvents()
    events.line(f"downloading {name} from the Hugging Face Hub; its licence stands on its page there")
    events.transfer(Transfer(repository, 0, None))
    with _explained(name, hub):
        return Path(hub.snapshot_download(repository, tqdm_class=_make_silent(), **wanted))


def send_folder(
    folder: Path,
    repository: str,
    files: Sequence[str],
    *,
    message: str,
    token: str | None = None,
    private: bool = False,
) -> str:
    """Put files of a folder into a repository, which is made if it is not there; gives its address.

    Raises:
        DownloadError: it is refused, or the hub cannot be reached.
        MissingExtraError: `huggingface_hub` is not installed.
    """
    if _NAME.fullmatch(repository) is None or "@" in repository:
        raise DownloadError(f"{repository}: expected OWNER/NAME")
    hub = import_extra("huggingface_hub", "hub")
    if is_offline():
        raise DownloadError(f"{repository}: nothing is sent, the environment says that this machine is offline")
    api = hub.HfApi(token=token)
    with _explained(repository, hub):
        address = str(api.create_repo(repository, private=private, exist_ok=True))
        operations = [hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name) for name in files]
        api.create_commit(repository, operations, commit_message=message)
    return address


@contextmanager
def _explained(name: str, hub: Any) -> Iterator[None]:
    """Turn what the hub's package raises into one line."""
    try:
        yield
    except hub.errors.RepositoryNotFoundError:
        raise DownloadError(f"{name}: there is no such repository, or it is not yours to see") from None
    except hub.errors.RevisionNotFoundError:
        raise DownloadError(f"{name}: there is no such revision") from None
    except Exception as error:  # of which class a broken connection is depends on the version of the package
        words = " ".join(str(error).split())[:300]
        raise DownloadError(f"{name}: {words}; is there a network, and can {CACHE_VARIABLE} be written?") from None


def _make_silent() -> type:
    """A progress bar that draws nothing: what is printed is the command line's affair."""
    bar: Any = import_extra("tqdm.auto", "hub").tqdm

    def begin(self: Any, *arguments: Any, **options: Any) -> None:
        bar.__init__(self, *arguments, **options | {"disable": True})

    return type("SilentBar", (bar,), {"__init__": begin})
