"""What this server is, and which models it has."""

from __future__ import annotations

from fastapi import APIRouter, Request

import auralflow
from auralflow.audio.formats import FORMAT_NAMES
from auralflow.web import schema
from auralflow.web.state import server_of

router = APIRouter(tags=["server"])


@router.get("/about")
def about(request: Request) -> schema.About:
    """What this server is, what it takes and how full it is."""
    server = server_of(request)
    limits = server.settings.limits
    return schema.About(
        version=auralflow.__version__,
        device=server.runner.device,
        limits=schema.Limits(
            max_upload_bytes=limits.max_upload_bytes,
            max_duration_s=limits.max_duration_s,
            max_queued=limits.max_queued,
            max_disk_bytes=limits.max_disk_bytes,
        ),
        disk=schema.Disk(used_bytes=server.store.used_bytes(), free_bytes=server.home.free_bytes()),
        formats=list(FORMAT_NAMES),
        needs_token=server.settings.token is not None,
    )


@router.get("/models")
def models(request: Request) -> list[schema.Model]:
    """The models to choose from, those first that can be used now."""
    return [
        schema.Model(
            name=offer.name,
            aliases=list(offer.aliases),
            summary=offer.summary,
            stems=list(offer.stems),
            licence=offer.licence,
            commercial_use=offer.commercial_use,
            is_default=offer.is_default,
            is_here=offer.is_here,
        )
        for offer in server_of(request).models.list()
    ]
