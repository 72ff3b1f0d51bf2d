"""What a file elsewhere is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from auralflow.errors import ConfigError
from auralflow.fetch.address import is_address, show_address


@dataclass(frozen=True)
class Address:
    """A file or folder elsewhere, as `s3://bucket/music/song.flac`. As text it has no query, which may be a signature.

    Raises:
        ConfigError: it is no address, or has a password in it.

    Example:
        >>> song = Address("https://example.org/music/song.flac?signature=1")
        >>> str(song), song.name, song.path.suffix
        ('https://example.org/music/song.flac', 'song.flac', '.flac')
    """

    url: str

    def __post_init__(self) -> None:
        if not is_address(self.url):
            raise ConfigError(f"expected an address like s3://bucket/folder, got '{self.url}'")
        if urlsplit(self.url).password is not None:
            raise ConfigError(
                f"{show_address(self.url)}: an address with a password in it would be kept in lists of processes "
                "and in the shell's history; give it where the service looks for it, as in AWS_SECRET_ACCESS_KEY"
            )

    @property
    def path(self) -> PurePosixPath:
        """Its path on the server."""
        parts = urlsplit(self.url)
        # Only the web writes names in per cent; elsewhere a `?` or `#` is part of the name.
        if parts.scheme in ("http", "https"):
            return PurePosixPath(unquote(parts.path))
        return PurePosixPath(self.url.partition("://")[2])

    @property
    def name(self) -> str:
        """Its last part."""
        return self.path.name

    def __str__(self) -> str:
        return show_address(self.url) if self.url.startswith("http") else self.url

    def __truediv__(self, part: str) -> Address:
        return Address(f"{self.url.rstrip('/')}/{part}")


Place = Path | Address
"""A file here or elsewhere."""


def read_place(text: str) -> Place:
    """A file by what a user or a message calls it.

    Example:
        >>> read_place("s3://bucket/a.wav").name, read_place("music/a.wav").name
        ('a.wav', 'a.wav')
    """
    return Address(text) if is_address(text) else Path(text)
