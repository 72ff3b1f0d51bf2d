"""What visitors see of a separation."""

from __future__ import annotations

from pathlib import Path

from auralflow.web import schema
from auralflow.web.names import file_name
from auralflow.web.record import Record
from auralflow.web.runner import Live
from auralflow.web.settings import API
from auralflow.web.state import Server
from auralflow.web.wish import MIXTURE


def show(server: Server, record: Record) -> schema.Separation:
    """A separation as the API tells it."""
    live = server.runner.live(record.id) if record.state == "running" else None
    return schema.Separation(
        id=record.id,
        title=record.title,
        state=record.state,
        progress=_progress(record, live),
        eta_s=None if live is None else live.eta_s,
        position=max(1, server.store.position(record)) if record.state == "queued" else None,
        error=record.error,
        warnings=list(record.warnings),
        model=record.wish.model,
        stems=_stems(server, record),
        mix=list(record.wish.mix),
        residual=record.wish.residual,
        format=record.wish.format,
        from_s=record.wish.from_s,
        for_s=record.wish.for_s,
        created_at=record.created_at,
        finished_at=record.finished_at,
        duration_s=record.duration_s,
        sample_rate=record.sample_rate,
        channels=record.channels,
        size_bytes=record.song_bytes + record.made_bytes,
        tracks=_tracks(record) if record.state == "done" else [],
        scores=None if record.scores is None else {s: dict(v) for s, v in record.scores.items()},
    )


def track_path(server: Server, record: Record, name: str) -> Path | None:
    """The file of a track; its name is looked up, and never becomes a path."""
    folder = server.folder(record)
    if name == MIXTURE:
        return folder.song
    return next((folder.out / track.file for track in record.tracks if track.name == name), None)


def saved_name(record: Record, name: str, suffix: str) -> str:
    """Under which name a track is saved."""
    return file_name(record.title, "" if name in (MIXTURE, "stems") else name, suffix)


def suffix_of(path: Path) -> str:
    """The suffix of an output; that of a Stem file has two parts."""
    return ".stem.mp4" if path.name.endswith(".stem.mp4") else path.suffix


def _progress(record: Record, live: Live | None) -> float:
    if record.state == "done":
        return 1.0
    return 0.0 if live is None else live.fraction


def _stems(server: Server, record: Record) -> list[str]:
    if record.state == "done":
        return [track.name for track in record.tracks if track.kind == "stem"]
    return list(record.wish.stems) if record.wish.stems is not None else []


def _tracks(record: Record) -> list[schema.Track]:
    mixture = _track(record, MIXTURE, "mixture", record.suffix, record.song_bytes)
    made = [
        _track(record, track.name, track.kind, suffix_of(Path(track.file)), track.size_bytes) for track in record.tracks
    ]
    return [mixture, *made]


def _track(record: Record, name: str, kind: str, suffix: str, size_bytes: int) -> schema.Track:
    # Names of stems and mixes are letters, digits, blanks, "-" and "_".
    url = f"{API}/separations/{record.id}/tracks/{name.replace(' ', '%20')}"
    return schema.Track.model_validate(
        {
            "name": name,
            "kind": kind,
            "duration_s": record.duration_s,
            "file_name": saved_name(record, name, suffix),
            "size_bytes": size_bytes,
            "url": url,
            "peaks_url": f"{url}/peaks",
            "spectrogram_url": f"{url}/spectrogram.png",
        }
    )
