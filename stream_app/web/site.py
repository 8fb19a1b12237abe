"""What the routes stand on, made once a process."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from stream_app.services import Services
from stream_app.web.access import Access


@dataclass(frozen=True, slots=True)
class Site:
    """The database, the broker and the settings by `services`, and who may ask."""

    services: Services
    access: Access

    def model_id(self, asked: str | None) -> str:
        """The joint model that is asked for."""
        return asked or self.services.settings.joint_models[0]


async def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


TheSite = Annotated[Site, Depends(_site)]
