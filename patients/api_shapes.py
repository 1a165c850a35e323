"""Shapes that the API's OpenAPI document shares: pages of a list, and refusals."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, inline_serializer
from rest_framework import serializers

DETAIL: Any = inline_serializer("Refusal", {"detail": serializers.CharField()})
FIELDS: Any = inline_serializer(
    "Invalid", {"field": serializers.ListField(child=serializers.CharField(), required=False)}
)


def refusal(words: str, sentence: str) -> OpenApiResponse:
    """A refusal of one sentence, described with an example."""
    return OpenApiResponse(DETAIL, words, [OpenApiExample(words, {"detail": sentence})])


INVALID = OpenApiResponse(
    {"type": "object", "additionalProperties": {}},
    "What was asked cannot be done: for each field what is wrong with it.",
    [OpenApiExample("A choice that is none", {"tier": ['"Tall" is not a valid choice.']})],
)
READ_REFUSALS = {
    400: INVALID,
    403: refusal("Nobody is logged in", "Authentication credentials were not provided."),
}
FOUND_REFUSALS = READ_REFUSALS | {
    404: refusal("There is none, or it is somebody else's", "Not found."),
}
ACT_REFUSALS = FOUND_REFUSALS | {
    403: refusal(
        "Nobody is logged in, the role may not, or the header X-CSRFToken is missing",
        "You do not have permission to perform this action.",
    ),
    409: refusal("It can no longer be done", "It is no longer open."),
}


def paged(shape: Any) -> Any:
    """A page of a list: how many there are, the pages beside it, and its rows."""
    name = shape.__name__.removesuffix("Shown")
    return inline_serializer(
        f"PageOf{name}",
        {
            "count": serializers.IntegerField(help_text="Of all pages."),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": shape(many=True),
        },
    )
