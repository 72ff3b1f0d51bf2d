"""The verb `serve`; its imports wait until it runs, so that reading its signature (for `--help`) is quick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from auralflow.errors import import_extra

if TYPE_CHECKING:
    from auralflow.web.run import Served


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8377,
    home: str | Path | None = None,
    workers: int = 1,
    token: str | None = None,
    open: bool = False,
    max_upload: str = "2GB",
    max_duration: str = "4h",
    max_queued: int = 1000,
    max_disk: str = "50GB",
    model: Sequence[str] | str = (),
    device: str = "auto",
    report: Callable[[str], None] | None = None,
) -> Served:
    """Open a page on this machine where songs are separated, heard and mixed.

    Nothing leaves the machine. The page keeps a list of its separations, and goes on with what it had begun when it is
    stopped, or killed, and started again. Behind it is an HTTP API, which 'auralflow separate --server' uses too.
    Ctrl-C stops it.

    Args:
        host: address to listen on. Whatever is not this machine alone, such as 0.0.0.0, needs a token; one is made up
            if none is given.
        port: port to listen on; 0 for any that is free.
        home: folder for songs, stems and the list; by default ~/.local/share/auralflow.
        workers: songs separated at once; the cores are divided among them.
        token: what visitors must know; better given as AURALFLOW_TOKEN in the environment, where others do not see it.
        open: open the page in the browser.
        max_upload: longest file that is taken, like 500MB or 2GB.
        max_duration: longest song that is taken, like 4h, 90min or 30s.
        max_queued: songs that may wait at once.
        max_disk: disk that songs and stems may take together, like 50GB.
        model: further models to offer, separated by commas: folders of model bundles, .py files, plans.
        device: auto, cpu, cuda, cuda:1, mps or xpu.
        report: hears the address of the page when it can be opened (library only).

    Returns:
        A `Served`, when the server was stopped.

    Raises:
        ConfigError: a setting has a value it cannot have, or the port is taken.
        OutputError: the folder cannot be written, or another server uses it.
        MissingExtraError: the packages of the server are not installed.

    Example:
        >>> serve(port=0)  # doctest: +SKIP
    """
    for module in ("fastapi", "uvicorn", "python_multipart"):
        import_extra(module, "web")
    from auralflow.web.run import serve as listen
    from auralflow.web.settings import Limits, choose_token, default_home, open_page, parse_duration, parse_size
    from auralflow.web.settings import ServeSettings as Settings

    settings = Settings(
        home=default_home() if home is None else Path(home),
        host=host,
        port=port,
        n_workers=workers,
        token=choose_token(token, host),
        device=device,
        models=tuple(model.split(",")) if isinstance(model, str) and model else tuple(model),
        limits=Limits(
            max_upload_bytes=parse_size(max_upload, "max-upload"),
            max_duration_s=parse_duration(max_duration, "max-duration"),
            max_queued=max_queued,
            max_disk_bytes=parse_size(max_disk, "max-disk"),
        ),
    )

    def ready(address: str) -> None:
        if report is not None:
            report(address)
        if open:
            open_page(address)

    return listen(settings, ready)
