"""Under which name a browser saves what it gets (RFC 6266, RFC 8187)."""

from __future__ import annotations

import unicodedata

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")


def disposition(name: str, kind: str = "attachment") -> dict[str, str]:
    """The header: the name in full, and for old programs in plain letters.

    Args:
        kind: `attachment`, which is saved, or `inline`, which a browser may show.

    Example:
        >>> print(disposition('Ça "va".zip')["content-disposition"])
        attachment; filename="Ca _va_.zip"; filename*=UTF-8''%C3%87a%20%22va%22.zip
    """
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    simple = "".join("_" if c in '"\\%;' or not c.isprintable() else c for c in bare)
    coded = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in name.encode())
    return {"content-disposition": f"{kind}; filename=\"{simple}\"; filename*=UTF-8''{coded}"}
