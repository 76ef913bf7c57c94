"""Results of a search: records, tables, the pivot table, the HTML report.

Knows the ground floor, and `display` for the report's figures.
"""

from sknn_mnist._cv_results import cv_results_frame
from sknn_mnist.reporting._pivot import pivot_cv_results

__all__ = [
    "cv_results_frame",
    "pivot_cv_results",
]
