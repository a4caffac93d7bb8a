"""Three lessons, as scripts that Jupyter opens as notebooks (jupytext, percent format)."""
