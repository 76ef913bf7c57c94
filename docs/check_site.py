"""Checks the site that Sphinx has built: python docs/check_site.py docs/_build/html.

Every link within the site leads to a page and to a place on it; nothing is loaded from
elsewhere; every chapter has drawn its pictures. Links that leave the site are not
followed: that needs a network.
"""

import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

# What a page loads by itself, and the attribute that says from where.
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src"}


@cache
def parsed(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(path):
    return {each["id"] for each in parsed(path).find_all(id=True)} | {"", "top"}


def broken_links(page, site):
    """Yield the links of a page that lead nowhere on the site."""
    for link in parsed(page).find_all("a", href=True):
        parts = urlsplit(link["href"])
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)) if parts.path else page
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file() or site not in target.resolve().parents:
            yield link["href"]
        elif target.suffix == ".html":
            fragment = unquote(parts.fragment)
            if fragment not in anchors(target.resolve()):
                yield link["href"]


def foreign_parts(page):
    """Yield what a page would load from other sites."""
    for name, attribute in LOADED.items():
        for each in parsed(page).find_all(name):
            if urlsplit(each.get(attribute, "")).netloc and "canonical" not in (
                each.get("rel") or []
            ):
                yield each[attribute]


def complaints_about(page, site):
    """Yield what is wrong with a page."""
    for href in broken_links(page, site):
        yield f"the link {href} leads nowhere"
    for source in foreign_parts(page):
        yield f"{source} is loaded from another site"
    if page.match("examples/*/plot_*.html"):
        if not parsed(page).select(".sphx-glr-single-img, .sphx-glr-multi-img"):
            yield "no picture was drawn"
        if "so it is: " not in page.read_text(encoding="utf-8"):
            yield "nothing that it says was held against its numbers"


def main(folder):
    site = Path(folder).resolve()
    pages = sorted(site.rglob("*.html"))
    size = sum(each.stat().st_size for each in site.rglob("*") if each.is_file())
    complaints = [
        f"{page.relative_to(site)}: {each}"
        for page in pages
        for each in complaints_about(page, site)
    ]
    print(f"{len(pages)} pages, {size / 1e6:.1f} MB")
    print("\n".join(complaints) or "every link leads somewhere, nothing is loaded")
    return bool(complaints) or not pages


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
