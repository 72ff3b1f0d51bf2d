"""The application: routes, guard, pace."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

import auralflow
from auralflow.web import schema
from auralflow.web.guard import Guard
from auralflow.web.pace import Paced
from auralflow.web.refusal import add_handlers
from auralflow.web.routes import about, events, mix, page, scores, separations, tracks
from auralflow.web.settings import API
from auralflow.web.state import Server


def build_app(server: Server) -> FastAPI:
    """The ASGI application of a server."""
    app = FastAPI(
        title="Auralflow",
        summary="Separate songs into stems, on this machine",
        version=auralflow.__version__,
        openapi_url=f"{API}/openapi.json",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        responses={"4XX": {"model": schema.Error}, "5XX": {"model": schema.Error}},
    )
    app.state.server = server
    api = APIRouter(prefix=API)
    for part in (about, separations, tracks, mix, scores, events):
        api.include_router(part.router)
    app.include_router(api)
    app.include_router(page.router)
    page.add_static(app)
    add_handlers(app)
    app.add_middleware(Paced, limits=server.settings.limits)
    app.add_middleware(Guard, settings=server.settings)
    return app
