"""scikit-learn: ``SGDRegressor``, which updates after each row."""

from __future__ import annotations

from sklearn.linear_model import SGDRegressor

from samestep.benchmarking.peer import Fit, Outcome
from samestep.benchmarking.workload import Workload
from samestep_experiments.peers.handed import of_one_run, run_data

__all__ = ["row_by_row"]


def row_by_row(workload: Workload) -> Fit:
    """``fit`` for the first epoch, from the initial values, then ``partial_fit``.

    Its squared error has a factor 1/2, so the learning rate is doubled. The rows are handed over
    in the order of the plan, and not shuffled again. Data and weights have the precision of the
    workload; the intercept and the scalars of a step are float64 in any case.
    """
    run = run_data(workload)
    first, *others = run.orders(workload.epochs)

    def fit() -> Outcome:
        model = SGDRegressor(
            loss="squared_error",
            penalty=None,
            learning_rate="constant",
            eta0=2 * workload.learning_rate,
            shuffle=False,
            max_iter=1,
            tol=None,
        )
        start = {"coef_init": run.w.copy(), "intercept_init": run.b}  # it trains w where it lies
        model.fit(run.X[first], run.y[first], **start)
        for order in others:
            model.partial_fit(run.X[order], run.y[order])
        b = model.intercept_[0].astype(workload.dtype)
        return of_one_run({"w": model.coef_, "b": b}, None)

    return fit
