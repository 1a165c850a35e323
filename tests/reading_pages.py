"""What a page says: its text and what is read aloud, piece by piece."""

from html.parser import HTMLParser

READ_ATTRIBUTES = {"aria-label", "placeholder", "title", "alt", "data-label"}
NOT_READ = {"script", "style", "code"}
VOID = {"meta", "link", "input", "img", "br", "hr", "path", "circle", "rect", "line", "polyline"}


class Words(HTMLParser):
    """Pieces of text in their order, with the attributes that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is read of a tag; what lies within scripts and code is not."""
        given = dict(attrs)
        other = given.get("lang") not in (None, "fr") and tag != "html"  # says that it is foreign
        if tag not in VOID:
            self.open.append("code" if other else tag)
        self.pieces += [v for n, v in attrs if n in READ_ATTRIBUTES and v and not other]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself holds no text."""
        self.pieces += [v for n, v in attrs if n in READ_ATTRIBUTES and v]

    def handle_endtag(self, tag: str) -> None:
        """Out of it again."""
        if tag not in VOID and self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """A piece of text, without blanks around it."""
        if data.strip() and not NOT_READ & set(self.open):
            self.pieces.append(" ".join(data.split()))


def pieces(html: str) -> list[str]:
    """Every piece of text of the page."""
    page = Words()
    page.feed(html)
    page.close()
    return page.pieces
