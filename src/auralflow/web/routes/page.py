"""The page itself."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from auralflow.web.guard import cookie_name, is_same
from auralflow.web.refusal import Refusal
from auralflow.web.state import server_of

STATIC = Path(__file__).parents[1] / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
def index(request: Request, token: str | None = None) -> Response:
    """The page; with `?token=` the browser is made to remember the token, out of sight of scripts and other sites."""
    settings = server_of(request).settings
    if token is not None and settings.token is not None:
        if not is_same(token, settings.token):
            raise Refusal(401, "this is not the server's token; open the address that the server printed")
        answer = RedirectResponse("/", 303)
        answer.set_cookie(cookie_name(settings), token, httponly=True, samesite="strict", max_age=30 * 86400)
        return answer
    if not (STATIC / "index.html").is_file():
        raise Refusal(404, "this installation has no page, only the API; see /api/v1/openapi.json")
    return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})


def add_static(app: FastAPI) -> None:
    """Serve the files of the page."""
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False))
