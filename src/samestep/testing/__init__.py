"""The conformance kit: does a backend keep the promises of :class:`samestep.Backend`?

From the command line: ``samestep check NAME``, or, with pytest's own options,
``pytest --pyargs samestep.testing --backend NAME``. From Python: each of
``samestep.testing.catalogue.CHECKS`` is called with a backend and raises a
``samestep.testing.expectations.ConformanceError`` that says which promise is broken.

This package is imported by every pytest session where Samestep is installed: it imports nothing.
"""
