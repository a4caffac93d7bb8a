"""Every planted bug fails the conformance kit, and by a broken promise, not by a crash."""

from __future__ import annotations

import pytest

import samestep
from samestep.planted import BUGS, BrokenBackend, Bug
from samestep.testing.catalogue import CHECKS, Check
from samestep.testing.expectations import ConformanceError, NotApplicableError

NO_BUG = Bug("no-bug", "nothing is changed", "", 0, ())

# What a bug may break. A wrapper is no registered class with devices of its own, and the fits of
# the exercises add nothing to the plans of the kit but time.
RELEVANT = [
    check
    for check in CHECKS
    if check.part in ("autograd", "kinks", "sgd", "loops")
    or check.function.__name__ == "every_kind_of_step_is_within_rounding"
]


def broken_promises(bug: Bug, dtype: str) -> list[str]:
    """Ids of the checks that fail on the oracle's backend with a bug in it.

    Some bugs are written for certain shapes and names, and cannot be planted in every check: what
    they raise there counts for nothing.
    """
    found = []
    for check in RELEVANT:
        try:
            check(BrokenBackend(samestep.oracle(dtype), bug))
        except ConformanceError:
            found.append(check.id)
        except NotApplicableError:
            continue
        except (IndexError, KeyError, ValueError):
            if bug is NO_BUG:
                raise
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wrapper_without_a_bug_keeps_every_promise(dtype: str) -> None:
    assert not broken_promises(NO_BUG, dtype)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_every_bug_breaks_a_promise(bug: Bug) -> None:
    assert broken_promises(bug, bug.dtype)


def test_every_check_has_a_name_and_a_promise_of_its_own() -> None:
    def unique(read: str) -> bool:
        return len({getattr(check, read) for check in CHECKS}) == len(CHECKS)

    assert unique("id")
    assert unique("promise")
    assert all(isinstance(check, Check) and check.promise.endswith(".") for check in CHECKS)
