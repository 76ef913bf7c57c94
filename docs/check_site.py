"""Checks the site that Sphinx has built: python docs/check_site.py docs/_build/html.

Every link within the site leads to a page and to a place on it; nothing is loaded from
elsewhere; every chapter has drawn its pictures. Links that leave the site are not
followed: that needs a network.
"""

import re
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

# What a page loads by itself, and the attributes that say from where.
LOADED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "link": ("href",),
    "iframe": ("src",),
    "object": ("data",),
}
# And what a style sheet does.
IN_STYLES = re.compile(r"""(?:@import\s+|url\(\s*)["']?([^"')\s]+)""")


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


def loaded_by(path):
    """Yield the addresses that a page or a style sheet loads by itself."""
    if path.suffix == ".css":
        yield from IN_STYLES.findall(path.read_text(encoding="utf-8"))
        return
    for name, attributes in LOADED.items():
        for each in parsed(path).find_all(name):
            if "canonical" not in (each.get("rel") or []):
                for attribute in attributes:
                    yield from addresses_in(each.get(attribute, ""), attribute)


def addresses_in(value, attribute):
    """Yield the addresses of an attribute: one, or those of several sizes."""
    parts = value.split(",") if attribute == "srcset" else [value]
    yield from (part.split()[0] for part in parts if part.strip())


def parts_elsewhere(path):
    """Yield what is loaded from other sites, or is not there."""
    for address in loaded_by(path):
        parts = urlsplit(address)
        if parts.scheme == "data" or not (parts.netloc or parts.path):
            continue
        if parts.netloc or not (path.parent / unquote(parts.path)).is_file():
            yield address


def complaints_about(page, site):
    """Yield what is wrong with a page."""
    for href in broken_links(page, site):
        yield f"the link {href} leads nowhere"
    if page.match("examples/*/plot_*.html"):
        if not parsed(page).select(".sphx-glr-single-img, .sphx-glr-multi-img"):
            yield "no picture was drawn"
        if "so it is: " not in page.read_text(encoding="utf-8"):
            yield "nothing that it says was held against its numbers"


def main(folder):
    site = Path(folder).resolve()
    pages = sorted(set(site.rglob("*.html")) - set(site.rglob("_static/**/*.html")))
    size = sum(each.stat().st_size for each in site.rglob("*") if each.is_file())
    complaints = [
        f"{page.relative_to(site)}: {each}"
        for page in pages
        for each in complaints_about(page, site)
    ] + [
        f"{path.relative_to(site)}: {each} is not loaded from this site"
        for path in [*pages, *sorted(site.rglob("*.css"))]
        for each in parts_elsewhere(path)
    ]
    print(f"{len(pages)} pages, {size / 1e6:.1f} MB")
    print(
        "\n".join(complaints)
        or "every link leads somewhere, all that is loaded is there"
    )
    return bool(complaints) or not pages


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
