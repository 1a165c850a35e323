"""Every page that somebody can open: what the resolver knows, and what the pages link to.

One walk serves every check of pages (axe-core, Lighthouse, keyboard, screenshots, the search for
numbers that must not be there), so a new page is checked from the day it has an address.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from django.apps import apps
from django.contrib.auth.tokens import default_token_generator
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from django.utils.http import urlsafe_base64_encode

from patients.models import User

NAMES = {"person": "User", "member": "CareTeamMember"}  # nouns that no model's name ends with
HOST = "http://testserver"
# Addresses that need something asked, and lists in which nothing fits what is asked for.
EXTRA = (
    "/api/v1/scores/?patient={code}",
    "/alerts/?code=nowhere",
    "/?q=nowhere",
    "/baselines/?q=nowhere",
    "/devices/?q=nowhere",
    "/freshness/?q=nowhere",
    "/medications/?q=nowhere",
    "/messages/?q=nowhere",
    "/people/?q=nowhere",
    "/teams/?q=nowhere",
)
LEFT_OUT = ("logout/", "admin/", "static/")  # Django's own admin is for a superuser alone
LINKS = {("a", "href"), ("iframe", "src"), ("form", "action"), ("object", "data"), ("embed", "src")}
ASKED_BY_SCRIPTS = r"hx-get|data-(?:.*-)?(?:url|src|href)"


@dataclass(frozen=True)
class Shown:
    """One answer of the walk."""

    address: str
    route: str
    media: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False, default_factory=dict)

    @property
    def is_page(self) -> bool:
        """Whether it is a whole page, and no part of one, table or file."""
        return self.media == "text/html" and b"<html" in self.body[:500]


class _Links(HTMLParser):
    """Addresses that a page leads to by reading: links, forms that only ask, parts and charts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and (given.get("method") or "get").lower() != "get":
            return
        for name, value in attrs:
            is_link = (tag, name) in LINKS and tag in {"a", "iframe", "object", "embed", "form"}
            if value and (
                is_link or name == "hx-get" or re.fullmatch(r"data-.*(url|src|href)", name)
            ):
                self.found.append(value)


def links_of(body: bytes, address: str) -> Iterator[str]:
    """Addresses on this host that a page leads to."""
    parser = _Links()
    parser.feed(body.decode(errors="replace"))
    for found in parser.found:
        whole = urlsplit(urljoin(HOST + address, found))
        if whole.netloc == "testserver":
            yield whole.path + (f"?{whole.query}" if whole.query else "")


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address below a resolver, with its full route."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        else:
            yield route, entry


def parameters(route: str) -> list[str]:
    """The route's parameters."""
    return re.findall(r"<(?:\w+:)?(\w+)>", route)


def _model_of(parameter: str) -> type[Model] | None:
    """What a parameter names: ``follow_up_id`` a FollowUp, ``course_id`` a MedicationCourse."""
    noun = parameter.removesuffix("_id")
    name = NAMES.get(noun) or "".join(part.title() for part in noun.split("_"))
    ours = [m for m in apps.get_models() if m._meta.app_label in ("patients", "scoring", "alerts")]
    exact = [m for m in ours if m.__name__ == name]
    return next(iter(exact or [m for m in ours if m.__name__.endswith(name)]), None)


def value_of(parameter: str, code: str) -> str | None:
    """A value for a parameter, if it can be the patient's own; None where no row is there."""
    if parameter == "code":
        return code
    if parameter in ("uidb64", "token"):
        return _part_of_a_link(parameter)
    model = _model_of(parameter)
    if model is None:
        return None
    owners = {f.name for f in model._meta.get_fields() if f.is_relation}
    rows = model._default_manager.order_by("pk")
    for owner in ("patient", "alert__patient"):
        if owner.split("__")[0] in owners:
            own = rows.filter(**{f"{owner}__code": code}).first()
            return str(own.pk) if own else None
    first = rows.first()
    return str(first.pk) if first else None


def _part_of_a_link(parameter: str) -> str:
    """Of the link with which the newest account's password is set."""
    user = User.objects.order_by("pk").last()
    assert user
    if parameter == "token":
        return str(default_token_generator.make_token(user))
    return urlsafe_base64_encode(str(user.pk).encode())


def seeds(code: str) -> list[str]:
    """The addresses of all routes, with what they name filled in where it is there."""
    found = [address.format(code=code) for address in EXTRA]
    for route, _ in patterns(get_resolver()):
        if route.startswith(LEFT_OUT):
            continue
        values = {name: value_of(name, code) for name in parameters(route)}
        if None not in values.values():
            found.append("/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(values[m[1]]), route))  # noqa: B023
    return found


def route_of(address: str) -> str:
    """The route of an address, or nothing where there is none."""
    try:
        return str(resolve(urlsplit(address).path).route)
    except Resolver404:
        return ""


def walk(
    user: User | None, code: str, *, each: int = 3, language: str = "en", **meta: Any
) -> list[Shown]:
    """What a person is shown, from the routes on and along every link, each address once.

    ``each``: how many addresses are kept of one shape, that is one route with the same names
    asked; a route's parameters and what is asked for make them differ.
    """
    client = Client()
    if user:
        client.force_login(user)
    waiting, seen, taken = deque(seeds(code)), set[str](), Counter[Any]()
    shown: list[Shown] = []
    while waiting:
        address = waiting.popleft()
        shape = (route_of(address), tuple(sorted(k for k, _ in parse_qsl(urlsplit(address).query))))
        if address in seen or not shape[0] and urlsplit(address).path != "/":
            continue
        seen.add(address)
        if shape[0].startswith(LEFT_OUT) or taken[shape] >= each:
            continue
        answer: Any = client.get(address, headers={"accept-language": language}, **meta)
        if answer.status_code in (301, 302):
            waiting.append(urljoin(address, answer["Location"]))
        if answer.status_code != 200:
            continue
        taken[shape] += 1
        one = _shown(address, shape[0], answer)
        shown.append(one)
        if one.media == "text/html":
            waiting.extend(links_of(one.body, address))
    return shown


def _shown(address: str, route: str, answer: HttpResponse) -> Shown:
    media = answer.headers.get("Content-Type", "").partition(";")[0]
    body = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return Shown(address, route, media, body, dict(answer.headers))


def pages(user: User | None, code: str, **options: Any) -> list[str]:
    """The addresses of the whole pages, in the order in which they were found."""
    return [one.address for one in walk(user, code, **options) if one.is_page]
