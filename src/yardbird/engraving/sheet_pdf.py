"""Writes drawn pages as one PDF."""

from collections.abc import Sequence
from datetime import UTC, datetime

from fpdf import FPDF
from fpdf.svg import SVGObject

_DATE = datetime(2000, 1, 1, tzinfo=UTC)  # the same pages give the same bytes


def as_pdf(pages: Sequence[str], title: str, credit: str) -> bytes:
    """The pages (SVG without text) on A4."""
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.set_title(title)
    pdf.set_author(credit)
    pdf.set_creation_date(_DATE)
    for page in pages:
        pdf.add_page()
        SVGObject(page).draw_to_page(pdf, 0, 0)
    return bytes(pdf.output())
