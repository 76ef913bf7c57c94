"""Names of the files that a search writes, for its help, its messages and itself."""

__all__ = ["BEST_PARAMS", "CV_RESULTS", "PIVOT", "PIVOT_MARKDOWN", "REPORT", "RESULTS"]

CV_RESULTS = "cv_results.csv"
PIVOT = "pivot.csv"
PIVOT_MARKDOWN = "pivot.md"
BEST_PARAMS = "best_params.json"
REPORT = "report.html"

# In the order in which they are written.
RESULTS = (CV_RESULTS, PIVOT, PIVOT_MARKDOWN, BEST_PARAMS, REPORT)
