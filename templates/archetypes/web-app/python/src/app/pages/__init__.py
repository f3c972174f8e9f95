"""Pages for people, beside the API. They work without JavaScript."""

from app.pages.routes import page_routes
from app.parts import Parts


def install(parts: Parts) -> None:
    """Adds the pages and their static files."""
    parts.routers.append(page_routes(parts.notes))
