"""The parts of a running server, in one place."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from starlette.requests import Request

from auralflow.web.desk import Desk
from auralflow.web.home import Folder, Home
from auralflow.web.hub import Hub
from auralflow.web.offered import OfferedModels
from auralflow.web.record import Record
from auralflow.web.refusal import Refusal
from auralflow.web.runner import Runner
from auralflow.web.settings import ServeSettings
from auralflow.web.store import Store

_MAX_LOCKS = 1000


@dataclass
class Server:
    """What every request works with."""

    settings: ServeSettings
    home: Home
    store: Store
    models: OfferedModels
    hub: Hub
    desk: Desk
    runner: Runner
    closing: threading.Event = field(default_factory=threading.Event)
    """Set when the server stops, so that whoever listens goes home."""
    _locks: OrderedDict[Path, asyncio.Lock] = field(default_factory=OrderedDict)

    def lock(self, path: Path) -> asyncio.Lock:
        """Held by the request that makes a file, while others wait for it."""
        lock = self._locks.setdefault(path, asyncio.Lock())
        self._locks.move_to_end(path)
        while len(self._locks) > _MAX_LOCKS and not next(iter(self._locks.values())).locked():
            self._locks.popitem(last=False)
        return lock

    def find(self, key: str) -> Record:
        """
        Raises:
            Refusal: 404, there is no such separation.
        """
        record = self.store.get(key)
        if record is None:
            raise Refusal(404, "there is no such separation (any more)")
        return record

    def folder(self, record: Record) -> Folder:
        return self.home.folder(record.id, record.suffix)


@contextmanager
def open_server(settings: ServeSettings, models: OfferedModels) -> Iterator[Server]:
    """Take the folder, and start what works in the background; all of it ends with the block.

    Raises:
        OutputError: the folder cannot be used.
    """
    home = Home(settings.home)
    with home.own():
        store = Store(home.database)
        home.sweep(store.identifiers())
        hub, desk = Hub(), Desk(hang_s=settings.limits.probe_s)
        runner = Runner(store, home, settings, models, hub.tell)
        desk.start()
        runner.start()
        try:
            yield Server(settings, home, store, models, hub, desk, runner)
        finally:
            runner.stop()
            desk.stop()
            store.close()


def check_share(server: Server) -> None:
    """
    Raises:
        Refusal: 507, songs and stems take all of the disk that they may.
    """
    if server.store.used_bytes() >= server.settings.limits.max_disk_bytes:
        raise Refusal(507, "the server's share of the disk is full; delete some separations", connection="close")


def server_of(request: Request) -> Server:
    """The server that a request came to."""
    return cast(Server, request.app.state.server)
