"""Templates to answers. Everything a template shows is escaped."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from app.pages.static_files import STATIC
from app.settings import SERVICE

SECURITY = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    # Without a referrer a browser would send `Origin: null` with a form, which is refused.
    # https://fetch.spec.whatwg.org/#append-a-request-origin-header
    "referrer-policy": "same-origin",
}

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals |= {"service": SERVICE, "static": STATIC.address_of}


def html(template: str, **values: Any) -> str:
    """The text of a page."""
    return _environment.get_template(template).render(values)


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page as an answer."""
    return HTMLResponse(html(template, **values), status, SECURITY)
