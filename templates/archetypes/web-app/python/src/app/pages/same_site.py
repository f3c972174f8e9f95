"""Refuses forms that another site's page sends in the name of its visitor."""

from urllib.parse import urlsplit

from fastapi import Request

from app.problems import Problem


def from_this_site(request: Request) -> None:
    """Put it into a route's `dependencies`. What is no browser sends neither header and has no visitor to deceive."""
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        allowed = site in ("same-origin", "none")
    elif origin is not None:
        # Behind the edge the public name is the forwarded one; a page of another site can set neither.
        allowed = urlsplit(origin).netloc in (headers.get("host"), headers.get("x-forwarded-host"))
    else:
        allowed = True
    if not allowed:
        raise Problem(403, "this form was sent from another site")
