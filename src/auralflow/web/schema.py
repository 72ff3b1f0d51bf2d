"""What the HTTP API speaks: version 1."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Limits(BaseModel):
    max_upload_bytes: int
    max_duration_s: float
    max_queued: int
    max_disk_bytes: int


class Disk(BaseModel):
    used_bytes: int = Field(description="Songs and stems of this server together")
    free_bytes: int


class About(BaseModel):
    version: str
    device: str = Field(description="Where separations are computed, in words")
    limits: Limits
    disk: Disk
    formats: list[str]
    needs_token: bool


class Model(BaseModel):
    name: str
    aliases: list[str]
    summary: str
    stems: list[str]
    licence: str
    commercial_use: bool
    is_default: bool
    is_here: bool = Field(description="Whether it can be used without a download")


class Track(BaseModel):
    name: str
    kind: Literal["stem", "mixture", "residual", "mix"]
    duration_s: float | None
    file_name: str = Field(description="Under which it is saved")
    size_bytes: int
    url: str
    peaks_url: str
    spectrogram_url: str


class Separation(BaseModel):
    """One song with its settings and, when done, its stems."""

    id: str
    title: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: float = Field(ge=0, le=1)
    eta_s: float | None
    position: int | None = Field(description="Place in the queue, from 1")
    error: str | None
    warnings: list[str]
    model: str
    stems: list[str]
    mix: list[str]
    residual: bool
    format: str
    from_s: float | None
    for_s: float | None
    created_at: str
    finished_at: str | None
    duration_s: float | None
    sample_rate: int | None
    channels: int | None
    size_bytes: int
    tracks: list[Track]
    scores: dict[str, dict[str, float | None]] | None


class Page(BaseModel):
    items: list[Separation]
    next: str | None = Field(description="For `before`, to get the next ones")


class Peaks(BaseModel):
    duration_s: float
    buckets: int
    min: list[int]
    max: list[int]


class Fader(BaseModel):
    """How one track is heard."""

    gain_db: float = Field(0.0, ge=-120, le=24)
    pan: float = Field(0.0, ge=-1, le=1)
    muted: bool = False


class MixRequest(BaseModel):
    """Tracks that are not named are not heard."""

    gains: dict[str, Fader] = Field(max_length=64)
    format: str = "auto"
    from_s: float | None = Field(None, ge=0)
    for_s: float | None = Field(None, gt=0)


class ErrorDetail(BaseModel):
    code: str
    message: str = Field(description="One plain line")


class Error(BaseModel):
    error: ErrorDetail
