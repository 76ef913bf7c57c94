"""The site: Sphinx reads this. CONTRIBUTING.md has the command.

The examples are executed while it is built, on the bundled digits, at a quick scale.
SKNN_MNIST_GALLERY holds other arguments for them: "--dataset mnist --full".
"""

import os
import re
import shlex
from pathlib import Path

# Examples run in two processes, of one thread each.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

# Names in the examples are looked up to be linked, this one only where it is enabled.
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sphinx_gallery.sorting import FileNameSortKey

import sknn_mnist

ROOT = Path(__file__).parents[1]

project = "sknn_mnist"
author = "The sknn_mnist developers"
copyright = author
version = release = sknn_mnist.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinx-mathjax-offline",
]
exclude_patterns = [
    "_build",
    "examples/**/*.ipynb",
    "examples/**/*.py",
    "**sg_execution_times.rst",  # its table is drawn by scripts of other sites
]
templates_path = ["_templates"]
nitpicky = True
default_role = "autolink"  # single backticks: a link where there is what they name
# What is not ours has its own site, which is not read here: a build needs no network.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!sknn_mnist).*"),
]
suppress_warnings = ["config.cache"]

# Pages are MyST Markdown.
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "attrs_inline"]
myst_heading_anchors = 3

# The reference.
autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # numpydoc's sections say them
numpydoc_show_class_members = False
numpydoc_use_plots = False


# The gallery.
def _arguments_of_examples(gallery_conf, script_vars):
    return ["--out", "", *shlex.split(os.environ.get("SKNN_MNIST_GALLERY", ""))]


sphinx_gallery_conf = {
    "examples_dirs": [str(ROOT / "examples/lesson"), str(ROOT / "examples/further")],
    "gallery_dirs": ["examples/lesson", "examples/further"],
    "filename_pattern": r"/plot_",
    "within_subsection_order": FileNameSortKey,
    "abort_on_example_error": False,  # the build goes on, and fails by -W
    "backreferences_dir": "examples/backreferences",
    "doc_module": ("sknn_mnist",),
    "reference_url": {"sknn_mnist": None},
    "reset_argv": _arguments_of_examples,
    "remove_config_comments": True,
    "show_memory": False,
    "parallel": 2,
    "min_reported_time": 1e9,
    "download_all_examples": False,
    "image_srcset": ["2x"],
    "thumbnail_size": (320, 224),
    "matplotlib_animations": False,
}


def _without_foreign_references(app, what, name, obj, options, lines):
    """Leave the text of what leads to labels on scikit-learn's own site."""
    source = getattr(obj, "fget", obj)  # of a property
    if (getattr(source, "__module__", None) or "").startswith("sklearn."):
        lines[:] = [
            BARE_NAME.sub(r"``\1``", FOREIGN.sub(r"\1", line)) for line in lines
        ]


FOREIGN = re.compile(r":(?:ref|term):`([^`<]+?)(?: *<[^>]*>)?`")
BARE_NAME = re.compile(r"(?<![\w`:*\\])([a-z]+_)(?![\w`*])")  # classes_ is no link


def _without_unused_mathjax(app, exception):
    """Of MathJax, leave what pages load: 2 MB of 24."""
    folder = Path(app.outdir, "_static/mathjax")
    used = ("tex-chtml.js", "output/chtml/fonts", "input/tex/extensions")
    for path in sorted(folder.rglob("*.js*")):
        if not str(path.relative_to(folder)).startswith(used):
            path.unlink()


def _pages_of_examples(app, docname, source):
    """Have links to an example's script lead to its page.

    In the pages they lead to the script, so that they lead somewhere on GitHub too.
    """
    source[0] = SCRIPT.sub(r"](/examples/\1.rst)", source[0])


SCRIPT = re.compile(r"\]\((?:\.\./)+examples/(\w+/plot_\w+)\.py\)")


def setup(app):
    app.connect("source-read", _pages_of_examples)
    app.connect("autodoc-process-docstring", _without_foreign_references)
    # After the extension that has copied it.
    app.connect("build-finished", _without_unused_mathjax, priority=900)


# What it looks like.
html_theme = "pydata_sphinx_theme"
html_title = "sknn_mnist"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "sknn_mnist"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": {"**": ["page-toc", "sg_download_links"]},
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "faq": [], "changelog": []}

# A copied block is what one types.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
