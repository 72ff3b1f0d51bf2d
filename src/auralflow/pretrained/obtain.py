"""From what names weights anywhere to a bundle on this machine: downloaded once, converted once.

    CACHE/downloads/NAME-KEY/    files as they were published
    CACHE/bundles/NAME-KEY/      the same as a bundle
    CACHE/hub/                   repositories of the Hugging Face Hub

For what is downloaded, the key comes from the published SHA-256 sums, or from the address where there is none. For a
file or folder of the user's own it is the SHA-256 of what is in it, so that a file that changes is converted again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from auralflow.errors import CheckpointError, DownloadError
from auralflow.fetch.address import host_of, name_of, show_address
from auralflow.fetch.download import fetch
from auralflow.fetch.events import FetchEvents
from auralflow.fetch.folder import cache_folder, hash_file, hold, is_offline, show_size, writing
from auralflow.fetch.hub import fetch_repository, read_name
from auralflow.pretrained.card import NOT_STATED, Card, CardFile, find_card
from auralflow.pretrained.names import BESIDE, CHECKPOINTS, DESCRIPTION, sort_name

_CONVERSION = 1
"""Counted up when a converter makes something else of the same files, so that old bundles are not used any more."""
_MAX_BESIDE = 2**20
"""Descriptions beside weights are small; longer files are something else."""
_FROM_HUB = ("*.yaml", "*.yml", "*.json", "*.py", *(f"*{suffix}" for suffix in CHECKPOINTS))


@dataclass(frozen=True)
class Published:
    """Files on a server that make one model."""

    name: str
    """For the folders of the cache."""
    files: tuple[CardFile, ...]
    typed: str
    """What the user typed."""
    licence: str = NOT_STATED
    format: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def downloads(self) -> Path:
        """Where the files are, or will be."""
        key = _hash_text(json.dumps([[file.name, file.sha256 or file.url] for file in self.files]))
        return cache_folder() / "downloads" / f"{self.name}-{key}"

    @property
    def bundle(self) -> Path:
        """Where the bundle is, or will be."""
        if self.format == "bundle":
            return self.downloads
        key = _hash_text(json.dumps([self.downloads.name, self.format, self.options, _CONVERSION], sort_keys=True))
        return cache_folder() / "bundles" / f"{self.name}-{key}"

    @property
    def is_here(self) -> bool:
        """Whether nothing has to be downloaded or converted."""
        return (self.bundle / DESCRIPTION).is_file() and (
            self.format != "bundle" or all((self.downloads / file.name).is_file() for file in self.files)
        )


def obtain_bundle(name: str, *, events: FetchEvents | None = None, offline: bool = False, again: bool = False) -> Path:
    """The folder of the bundle that a name stands for, made first if it is not there.

    Args:
        name: a name from the list of models, `hf:owner/name`, an address, a bundle, or a file or folder of weights.
        events: who hears of downloads.
        offline: download nothing.
        again: download and convert anew what is here.

    Raises:
        DownloadError: it cannot be downloaded, or must not be.
        CheckpointError: it is no model that is known here, or has no weights.
    """
    kind, events = sort_name(name), events or FetchEvents()
    if kind == "bundle":
        return Path(name)
    if kind == "foreign":
        return convert_once(Path(name), again=again)
    if kind == "hub":
        return _obtain_repository(name, events, offline, again)
    published = find_published(name)
    if published is None:
        folder = find_bundled(find_card(name))
        if folder is None:
            raise CheckpointError(f"{name}: has no weights to download")
        return folder
    return _obtain_published(published, events, offline, again)


def prepare_model(name: str, *, events: FetchEvents | None = None, offline: bool = False) -> None:
    """Have on this machine what a model needs, so that whoever loads it later finds it; raises as `obtain_bundle` does.

    A name that stands for no weights, or for nothing at all, is left to whoever loads it.
    """
    if is_undescribed(name) or (sort_name(name) == "card" and find_card(name).files):
        obtain_bundle(name, events=events, offline=offline)


def is_undescribed(name: str) -> bool:
    """Whether only the weights themselves can tell what the model takes and gives."""
    return sort_name(name) in ("hub", "address", "foreign")


def find_published(name: str) -> Published | None:
    """The files that a card or an address stands for; None where it has none.

    Raises:
        UnknownNameError: there is no such model.
        DownloadError: the address leads to no kind of file that holds weights.
    """
    if sort_name(name) == "address":
        return _publish_address(name)
    return publish_card(find_card(name))


def publish_card(card: Card) -> Published | None:
    """The files of a card; None where it needs none."""
    if not card.files:
        return None
    return Published(card.name, card.files, card.name, card.licence, card.format, card.options)


def find_bundled(card: Card) -> Path | None:
    """The bundle of weights that come with this package; None where a card has others, or none."""
    return Path(__file__).parent / "bundled" / card.name if card.bundled else None


def convert_once(source: Path, *, name: str = "", again: bool = False) -> Path:
    """The bundle of a file or folder in the format of another package, converted if that has not been done yet.

    Args:
        name: what the folder of the bundle is called; by default as the source.
        again: convert it even if that was done.

    Raises:
        CheckpointError: it is not there, or nothing that can be converted.
        DownloadError: the cache cannot be written.
    """
    shown = name or (source.absolute().name if source.is_dir() else source.stem)
    folder = cache_folder() / "bundles" / f"{shown}-{_hash_source(source)}"
    return _convert(source, folder, None, {}, again)


def _obtain_published(published: Published, events: FetchEvents, offline: bool, again: bool) -> Path:
    if again:
        _forget(published, offline)
    if not published.is_here:
        _download(published, events, offline)
        if published.format != "bundle":
            _convert(published.downloads, published.bundle, published.format, published.options, False)
    return published.bundle


def _download(published: Published, events: FetchEvents, offline: bool) -> None:
    missing = [file for file in published.files if not (published.downloads / file.name).is_file()]
    if missing and (offline or is_offline()):
        raise DownloadError(
            f"{published.typed}: is not on this machine, and downloads are switched off; run 'auralflow download "
            f"{published.typed}' where there is a network, and copy {cache_folder()} from there"
        )
    if missing:
        events.line(_announce(published, missing))
    for file in missing:
        fetch(file.url, published.downloads / file.name, sha256=file.sha256, size=file.size, events=events)


def _announce(published: Published, missing: list[CardFile]) -> str:
    n_bytes = sum(file.size or 0 for file in missing)
    size = f", {show_size(n_bytes)}" if n_bytes else ""
    hosts = sorted({host_of(file.url) for file in missing})
    return f"downloading {published.name}{size} from {', '.join(hosts)}; licence of the weights: {published.licence}"


def _forget(published: Published, offline: bool) -> None:
    """Remove what is here of it, unless nothing could take its place."""
    if offline or is_offline():
        raise DownloadError(f"{published.typed}: cannot be downloaded again, downloads are switched off")
    for folder in (published.bundle, published.downloads):
        if folder.is_dir():
            with hold(folder), writing(folder):
                shutil.rmtree(folder)


def _publish_address(url: str) -> Published:
    name = name_of(url)
    if Path(name).suffix.lower() not in CHECKPOINTS:
        raise DownloadError(
            f"{show_address(url)}: expected the address of a file of weights, which ends in {', '.join(CHECKPOINTS)}"
        )
    return Published(Path(name).stem, (CardFile(url, name),), url)


def _obtain_repository(name: str, events: FetchEvents, offline: bool, again: bool) -> Path:
    folder = fetch_repository(name, _FROM_HUB, events=events, offline=offline, again=again)
    if (folder / DESCRIPTION).is_file():
        return folder
    return convert_once(folder, name=read_name(name)[0].replace("/", "--"))


def _convert(source: Path, folder: Path, form: str | None, options: dict[str, Any], again: bool) -> Path:
    """Convert under a lock, unless it is done."""
    if not again and (folder / DESCRIPTION).is_file():
        return folder
    from auralflow.pretrained.convert.foreign import convert_checkpoint  # knows all architectures

    with hold(folder):
        if again and folder.is_dir():
            with writing(folder):
                shutil.rmtree(folder)
        if not (folder / DESCRIPTION).is_file():
            convert_checkpoint(source, folder, format=form, options=options)
    return folder


def _hash_source(source: Path) -> str:
    """A key for what a file, or a folder of files, holds; descriptions beside a file belong to it."""
    if source.is_dir():
        files = [path for path in source.iterdir() if path.suffix.lower() in (*CHECKPOINTS, *BESIDE)]
    elif source.is_file():
        beside = [path for path in source.parent.iterdir() if path.suffix.lower() in BESIDE]
        files = [source, *(path for path in beside if path.stat().st_size <= _MAX_BESIDE)]
    else:
        raise CheckpointError(f"{source}: no such file")
    sums = [[path.name, _hash_known(path, path.stat().st_mtime_ns, path.stat().st_size)] for path in sorted(files)]
    return _hash_text(json.dumps([sums, _CONVERSION]))


@lru_cache(maxsize=64)
def _hash_known(path: Path, mtime_ns: int, size: int) -> str:
    """The hash of a file, found once in a process: a model is described, loaded and described again."""
    return hash_file(path)


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
