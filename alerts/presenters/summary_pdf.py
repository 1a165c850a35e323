"""The visit summary as a PDF of one page. Its fonts are those that every reader of PDFs has.

They know the letters of Western Europe (Latin-1): others are replaced, and the page says so.
"""

import unicodedata
from typing import Final

from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from alerts.presenters.summary import Spark, Summary

MARGIN = 14  # mm
SIZES = (9.5, 8.5, 7.5, 6.5, 5.5)  # points; the first at which all is on one page
SPARK_WIDTH, SPARK_HEIGHT = 86.0, 15.0  # mm
LETTER = ("en-us", "en-ca", "fr-ca")
LIKE: Final = str.maketrans(
    {
        "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "−": "-",
        "≥": ">=", "≤": "<=", "œ": "oe", "Œ": "OE", "€": "EUR", "•": "-", "→": "->",
        "\u202f": "\xa0", "\u2009": "\xa0", "Ł": "L", "ł": "l", "đ": "d", "ı": "i",
    }
)  # fmt: skip
MISSING = "?"


def summary_pdf(summary: Summary, language: str) -> bytes:
    """One page, A4, or Letter where that is the paper of the language's country."""
    paper = "Letter" if language.lower() in LETTER else "A4"
    for size in SIZES:
        pdf = _page(summary, paper, size)
        if pdf.page == 1:
            break
    return bytes(pdf.output())


def as_latin(text: str) -> tuple[str, bool]:
    """The text in the letters that the fonts have, and whether one had to become “?”.

    >>> as_latin("Élodie Łuczak, 62\\u202f%")
    ('Élodie Luczak, 62\\xa0%', False)
    >>> as_latin("李")
    ('?', True)
    """
    found, lost = [], False
    for letter in text.translate(LIKE):
        if not _is_latin(letter):
            plain = unicodedata.normalize("NFKD", letter)
            letter = "".join(each for each in plain if _is_latin(each)) or MISSING
            lost = lost or letter == MISSING
        found.append(letter)
    return "".join(found), lost


def _is_latin(letter: str) -> bool:
    return ord(letter) < 0x100


class _Pdf(FPDF):
    """Writes text of any letters, and remembers whether some were lost."""

    lost = False

    def say(self, text: str, size: float, bold: bool = False, indent: float = 0) -> None:
        """A paragraph as wide as the page."""
        latin, lost = as_latin(text)
        self.lost = self.lost or lost
        self.set_font("Helvetica", "B" if bold else "", size)
        self.set_x(self.l_margin + indent)
        self.multi_cell(
            self.epw - indent, size * 0.48, latin, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )


def _page(summary: Summary, paper: str, size: float) -> _Pdf:
    pdf = _Pdf(format=paper)
    pdf.set_margins(MARGIN, MARGIN)
    pdf.set_auto_page_break(True, MARGIN)
    pdf.set_title(as_latin(summary.heading.split(" ")[0])[0])
    pdf.add_page()
    if summary.research:
        pdf.say(_("Research use: model trained on simulated data"), size, bold=True)
        pdf.ln(1.5)
    pdf.say(summary.heading, size + 4, bold=True)
    pdf.say(summary.about, size)
    pdf.ln(1.5)
    pdf.say(summary.sentence, size + 1.5)
    _sparks(pdf, summary, size)
    for section in summary.sections:
        pdf.ln(1.5)
        pdf.say(section.title, size + 1, bold=True)
        for line in section.lines:
            pdf.say(f"- {line}", size, indent=1.5)
    pdf.ln(2)
    pdf.say(summary.made, size - 1)
    if pdf.lost:
        pdf.say(_("A “?” stands for a letter that the fonts of this PDF lack."), size - 1)
    return pdf


def _sparks(pdf: _Pdf, summary: Summary, size: float) -> None:
    pdf.ln(2)
    top, gap = pdf.get_y(), 8.0
    for at, spark in enumerate(summary.sparks):
        left = pdf.l_margin + at * (SPARK_WIDTH + gap)
        pdf.set_xy(left, top)
        pdf.set_font("Helvetica", "", size - 1.5)
        pdf.multi_cell(SPARK_WIDTH, size * 0.42, as_latin(spark.words)[0], align="L")
    start = top + size * 0.42 * 2 + 1
    for at, spark in enumerate(summary.sparks):
        _spark(pdf, spark, pdf.l_margin + at * (SPARK_WIDTH + gap), start)
    pdf.set_xy(pdf.l_margin, start + SPARK_HEIGHT + 1)


def _spark(pdf: _Pdf, spark: Spark, left: float, top: float) -> None:
    """Vector lines; mania is dotted, as on the screen. Where nothing was assessed there is none."""
    pdf.set_draw_color(150)
    pdf.set_line_width(0.15)
    pdf.rect(left, top, SPARK_WIDTH, SPARK_HEIGHT)
    for edge in spark.edges:
        y = top + SPARK_HEIGHT * (1 - edge)
        pdf.line(left, y, left + SPARK_WIDTH, y)
    pdf.set_draw_color(0)
    pdf.set_line_width(0.5)
    if spark.track == "mania":
        pdf.set_dash_pattern(dash=0.6, gap=0.8)
    for stretch in spark.stretches:
        points = [(left + x * SPARK_WIDTH, top + (1 - y) * SPARK_HEIGHT) for x, y in stretch]
        if points[0] == points[-1]:  # a lone day is a dot
            pdf.circle(*points[0], radius=0.4, style="F")
        else:
            pdf.polyline(points)
    pdf.set_dash_pattern()
