"""The pages as a browser without JavaScript sees them."""

import re

import httpx2
import pytest

from app.pages.errors import prefers_html
from serving import StartService

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def key_of(page: httpx2.Response) -> str:
    """The hidden key of the form."""
    found = re.search(r'name="key" value="([0-9a-f]{32})"', page.text)
    assert found
    return found[1]


def test_a_note_is_made_once_however_often_the_form_is_sent(start_service: StartService) -> None:
    service = start_service()
    form = {"title": "<b>milk</b>", "text": "two\nlitres", "key": key_of(service.get("/"))}
    made = [service.post("/notes", data=form) for _ in range(2)]
    assert [answer.status_code for answer in made] == [303, 303]
    assert made[0].headers["location"] == made[1].headers["location"]
    page = service.get(made[0].headers["location"])
    assert "&lt;b&gt;milk&lt;/b&gt;" in page.text
    assert "<b>" not in page.text
    home = service.get("/").text
    assert home.count("&lt;b&gt;milk") == 1
    assert service.get("/v1/notes").json()["items"][0]["title"] == "<b>milk</b>"


def test_what_was_typed_is_shown_again_with_what_is_wrong(service: httpx2.Client) -> None:
    answer = service.post("/notes", data={"title": "", "text": 'keep "me" & mine'})
    assert answer.status_code == 422
    assert "title: " in answer.text
    assert "keep &#34;me&#34; &amp; mine</textarea>" in answer.text


def test_a_form_that_was_changed_after_it_was_sent_is_asked_about(service: httpx2.Client) -> None:
    key = key_of(service.get("/"))
    assert service.post("/notes", data={"title": "one", "key": key}).status_code == 303
    again = service.post("/notes", data={"title": "two", "key": key})
    assert again.status_code == 422
    assert 'value="two"' in again.text
    assert service.post("/notes", data={"title": "two", "key": key_of(again)}).status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, 303),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://notes.example", "host": "notes.example"}, 303),
        ({"origin": "https://notes.example", "x-forwarded-host": "notes.example"}, 303),
        ({}, 303),
    ],
)
def test_only_forms_of_this_site_are_taken(service: httpx2.Client, headers: dict[str, str], status: int) -> None:
    assert service.post("/notes", data={"title": "x"}, headers=headers).status_code == status


def test_only_a_form_is_taken(service: httpx2.Client) -> None:
    assert service.post("/notes", json={"title": "x"}).status_code == 415


def test_static_files_have_a_digest_and_are_kept_for_a_year(service: httpx2.Client) -> None:
    found = re.search(r'href="(/static/style\.[0-9a-f]{16}\.css)"', service.get("/").text)
    assert found
    style = service.get(found[1])
    assert style.headers["content-type"].startswith("text/css")
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    for other in ("style.css", "..%2Froutes.py", "style.0000000000000000.css"):
        assert service.get(f"/static/{other}").status_code == 404


def test_pages_may_load_their_own_files_and_nothing_else(service: httpx2.Client) -> None:
    headers = service.get("/").headers
    assert headers["content-security-policy"] == (
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"  # else a form would not say where it comes from
    assert service.get("/v1/notes").headers["content-security-policy"].startswith("default-src 'none'")


def test_errors_are_pages_for_browsers_and_problems_for_programs(service: httpx2.Client) -> None:
    page = service.get("/notes/nothing", headers=BROWSER)
    assert page.status_code == 404
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-request-id"] in page.text
    for accept in ("*/*", "application/json"):
        answer = service.get("/notes/nothing", headers={"accept": accept})
        assert answer.headers["content-type"] == "application/problem+json"


def test_what_a_caller_prefers() -> None:
    assert prefers_html("text/html")
    assert prefers_html("application/json;q=0.5, text/html;q=0.9")
    assert not prefers_html("text/html;q=0.5, application/json")
    assert not prefers_html("text/html, application/problem+json")
    assert not prefers_html("")
    assert not prefers_html("text/html;q=0")


def test_a_long_list_is_read_page_by_page(start_service: StartService) -> None:
    service = start_service()
    for number in range(25):
        service.post("/v1/notes", json={"title": f"number {number}."})
    first = service.get("/")
    assert "number 19." in first.text
    assert "number 20." not in first.text
    following = re.search(r'href="(/\?cursor=[^"]+)"', first.text)
    assert following
    second = service.get(following[1])
    assert "number 24." in second.text
    assert "More notes" not in second.text
    assert service.get("/?cursor=!").status_code == 400
