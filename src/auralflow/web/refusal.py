"""What the server refuses, always in the same form: `{"error": {"code": ..., "message": one plain line}}`."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from auralflow.errors import AuralflowError

_log = logging.getLogger("auralflow.web")

_CODES = {
    400: "bad_request",
    401: "token_needed",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    413: "too_large",
    415: "not_audio",
    416: "range_not_satisfiable",
    422: "invalid",
    429: "queue_full",
    500: "defect",
    507: "disk_full",
}


class Refusal(HTTPException):
    """A request that is not met, and why, in one line."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(status, message, named or None)


def answer(status: int, message: str, headers: Any = None) -> JSONResponse:
    """A refusal as a response."""
    code = _CODES.get(status, "error")
    return JSONResponse({"error": {"code": code, "message": _line(message)}}, status, headers)


def _line(message: str) -> str:
    """One line of what prints: messages name what a visitor sent, which may be anything, even no text at all."""
    return "".join(c for c in " ".join(message.split()) if c.isprintable())


def add_handlers(app: FastAPI) -> None:
    """Have every error of an app answered in the one form."""

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> Response:
        return answer(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def explain(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        # A number is where JSON is broken.
        place = ".".join(part for part in first["loc"][1:] if isinstance(part, str))
        return answer(422, f"{place or 'request'}: {first['msg']}")

    @app.exception_handler(AuralflowError)
    async def pass_on(request: Request, error: AuralflowError) -> Response:
        return answer(422, str(error))

    @app.exception_handler(OSError)
    @app.exception_handler(sqlite3.OperationalError)
    async def blame_disk(request: Request, error: Exception) -> Response:
        if isinstance(error, FileNotFoundError):
            return answer(404, "this is not there any more")
        _log.error("the disk: %s", error)
        return answer(507, f"the server cannot write: {getattr(error, 'strerror', None) or error}")

    @app.exception_handler(Exception)
    async def confess(request: Request, error: Exception) -> Response:
        _log.error("a defect, please report it", exc_info=error)
        return answer(500, "this is a defect of the server; its log says more")
