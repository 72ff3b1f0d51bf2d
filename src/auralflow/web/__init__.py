"""The server: a page for musicians and an HTTP API, on this machine; `auralflow serve` starts it.

Nothing is asked of any other machine. Songs come as uploads and are separated by worker processes, which survive
neither a bad song nor the server, while what was asked for survives both.
"""
