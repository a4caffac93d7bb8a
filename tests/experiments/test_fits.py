"""The fits that an exercise pictures, and that native versions make, are the published ones."""

from __future__ import annotations

import pytest
from samestep_experiments.data_size.runs import BASELINE, EPOCHS, PUBLISHED_SIZES
from samestep_experiments.huber_loss import travel
from samestep_experiments.learning_rate_epochs.runs import PUBLISHED_EPOCHS, PUBLISHED_RATES
from samestep_experiments.loss_reduction.published import ROWS

from samestep import Plan
from samestep.registry import experiment, experiment_names


@pytest.mark.parametrize("name", experiment_names())
def test_fits_are_single_runs_with_names_of_their_own(name: str) -> None:
    plans = experiment(name).fits().values()
    assert all(plan.runs == 1 for plan in plans)
    assert len({plan.name for plan in plans}) == len(plans)
    assert len({plan.hash for plan in plans}) == len(plans)


def settings(plan: Plan) -> tuple[str, float, int]:
    return plan.reduction, float(plan.learning_rate[0]), int(plan.epochs[0])


def test_mean_and_summed_loss_have_the_published_settings() -> None:
    plans = experiment("loss-reduction").fits()
    assert {title: settings(plan) for title, plan in plans.items()} == {
        title: (row.reduction, row.learning_rate, 3) for title, row in ROWS.items()
    }


def test_huber_fits_have_the_published_loss_and_rates() -> None:
    plans = experiment("huber-loss").fits()
    for rate in (travel.FAST, travel.SLOW):
        plan = plans[f"Huber's loss, rate {rate}"]
        assert (plan.loss, plan.delta) == ("huber", travel.DELTA)
        assert settings(plan) == ("mean", rate, 3)


def test_rates_and_epochs_are_the_published_ones() -> None:
    found = [settings(plan) for plan in experiment("learning-rate-epochs").fits().values()]
    assert found == [("mean", rate, PUBLISHED_EPOCHS) for rate in PUBLISHED_RATES]


def test_sizes_are_published_ones() -> None:
    for plan in experiment("data-size").fits().values():
        (problem,) = plan.problems
        assert problem.num_train in PUBLISHED_SIZES
        assert problem.true_b == BASELINE.b
        assert settings(plan) == ("mean", 0.03, EPOCHS)


def test_the_rate_of_a_run_is_that_of_its_fits() -> None:
    for name in ("data-size", "gradient-access"):
        for plan in experiment(name).fits(0.01).values():  # type: ignore[call-arg]
            assert settings(plan)[1] == 0.01
