"""Long lists in pages: the rows of the page asked for, and links to the others."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

PER_PAGE = 50


def paged(
    request: HttpRequest, rows: Sequence[Any] | QuerySet[Any], size: int = PER_PAGE
) -> dict[str, Any]:
    """For templates/parts/pages.html: ``rows`` is the page, ``query`` the address without it.

    A page that there is not gives the nearest one.
    """
    found: Page[Any] = Paginator(rows, size).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    return {"rows": found, "query": query.urlencode()}
