"""The book's two versions of one section: do they take the same step?

The section appears once per framework. One version minimises the mean squared error from an
accidental uniform start (a lazily built layer initialises itself again), the other *half* of the
mean squared error from the start that the book means; both at rate 0.03. Here both are run on every
participant, and the differences are taken away one at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from samestep.claims import Evidence, decide, quantile_interval
from samestep.experiment import Experiment
from samestep.figures import COLOURS, WIDTH, new_figure
from samestep.lab import Lab
from samestep.plan import Plan
from samestep.problem import SyntheticRegression

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE = 0.03
"""The rate of both versions, as printed."""

STEPS_TO_AGREEMENT = (
    "as printed",
    "same start",
    "same loss",
    "same start and loss",
    "same start, twice the rate",
)


class BookVersions(Experiment):
    """As printed the two versions do different things; mended, they take the same step."""

    id: ClassVar = "book-versions"
    weight: ClassVar = 1.0
    title: ClassVar = "Do the book's two versions do the same thing?"
    question: ClassVar = (
        "The book prints this section for two frameworks, with the same learning rate. "
        "Run as printed from the same data, do the two programs take the same steps, "
        "and if not, what has to be changed?"
    )

    def typical_fit(self) -> Plan:
        """Return the version with the factor 1/2."""
        problem = SyntheticRegression().draw(0)
        return Plan.of(problem, loss="half_squared_error", name="second version, as printed")

    def fits(self) -> dict[str, Plan]:
        """Return both versions as printed, and with the start and the loss that both mean."""
        uniform, normal = (SyntheticRegression(start=s).draw(0) for s in ("uniform", "normal"))
        first = Plan.of(uniform, learning_rate=0.03, name="first version, as printed")
        mended = Plan.of(normal, learning_rate=0.03, name="first version, start mended")
        second = mended.vary(loss="half_squared_error", name="second version, as printed")
        return {
            "first version (MSE, uniform start)": first,
            "second version (half MSE, small normal start)": second,
            "both mended (MSE, small normal start)": mended,
        }

    def run(self, lab: Lab) -> str:
        """Take the differences away one at a time."""
        plans = self.fits()
        printed, halves, moved = lab.picture_of_fits(plans).values()
        second = plans["second version (half MSE, small normal start)"]
        other = {
            "loss mended": second.vary(
                loss="squared_error", name="second version, loss mended (twice the loss)"
            ),
            "rate mended": second.vary(
                learning_rate=2 * RATE, name="second version, rate mended (twice the rate)"
            ),
        }
        mended = {name: lab.train(plan) for name, plan in other.items()}

        gaps: dict[str, dict[str, np.ndarray]] = {}
        for label in moved:
            pairs = {
                "as printed": (printed[label], halves[label]),
                "same start": (moved[label], halves[label]),
                "same loss": (printed[label], mended["loss mended"][label]),
                "same start and loss": (moved[label], mended["loss mended"][label]),
                "same start, twice the rate": (moved[label], mended["rate mended"][label]),
            }
            gaps[label] = {
                name: np.array(
                    [
                        np.abs(a.parameters(k) - b.parameters(k)).max()
                        for k in range(second.steps + 1)
                    ]
                )
                for name, (a, b) in pairs.items()
            }

        self._claims(lab, gaps)
        lab.figure(
            "gaps",
            "Largest difference between the parameters of the two versions, step by step. Mending "
            "the start or the loss alone is not enough; with both mended the difference is zero.",
            draw_gaps,
            gaps=next(iter(gaps.values())),
        )
        end = {name: float(gap[-1]) for name, gap in next(iter(gaps.values())).items()}
        return (
            f"No. Run as printed, on one seed, the two versions are {end['as printed']:.2g} apart "
            f"after 3 epochs: they start elsewhere, and half the loss at the same rate takes half "
            f"the step. With only the start mended they are still {end['same start']:.2g} apart, "
            f"with only the loss mended {end['same loss']:.2g} (the start is forgotten, slowly). "
            "With both mended, by dropping the factor 1/2 or by doubling the rate, the paths are "
            "equal to the bit on every participant."
        )

    def _claims(self, lab: Lab, gaps: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        def evidence(pair: str) -> dict[str, Evidence]:
            return {
                label: Evidence(
                    holds=bool(by_pair[pair].max() == 0.0),
                    text=f"largest difference of the parameters over all steps: "
                    f"{by_pair[pair].max():.3g}",
                    values={"largest_gap": float(by_pair[pair].max())},
                )
                for label, by_pair in gaps.items()
            }

        lab.claim(
            "mended-loss",
            "With the same start and the same loss, the two versions take the same step, to the "
            "bit, at every step.",
            evidence("same start and loss"),
        )
        lab.claim(
            "mended-rate",
            "Half the loss at twice the rate takes the same step as the whole loss, to the bit.",
            evidence("same start, twice the rate"),
        )
        self._claim_differs(lab)

    @staticmethod
    def _claim_differs(lab: Lab) -> None:
        """Over seeds: as printed, and with one difference left, the versions differ."""
        seeds = lab.seed_count(64)
        normal, uniform = (
            SyntheticRegression(start=start, num_val=0) for start in ("normal", "uniform")
        )

        def whole(base: Plan) -> Plan:
            return base.vary(learning_rate=RATE, name="first version, over seeds")

        def half(base: Plan) -> Plan:
            return base.vary(
                loss="half_squared_error", learning_rate=RATE, name="second version, over seeds"
            )

        first = lab.sample(uniform, {"first": whole}, seeds=seeds)
        others = lab.sample(normal, {"first": whole, "second": half}, seeds=seeds)
        for id_, statement, ours in (
            (
                "as-printed",
                "As printed the two versions end 0.05 to 0.5 apart in the typical run.",
                {label: by_name["first"] for label, by_name in first.items()},
            ),
            (
                "factor-half-alone",
                "The factor 1/2 alone, from the same start, leaves them 0.05 to 0.5 apart in the "
                "typical run.",
                {label: by_name["first"] for label, by_name in others.items()},
            ),
        ):
            evidence = {}
            for label in ours:
                if label not in others:
                    continue
                gap = np.abs(ours[label] - others[label]["second"]).max(axis=1)
                median = quantile_interval(gap)
                evidence[label] = Evidence(
                    holds=decide(median, above=0.05, below=0.5),
                    text=f"median over {seeds} seeds of the largest difference: {median}",
                    values={"median_gap": median.estimate, "seeds": seeds},
                )
            lab.claim(id_, statement, evidence)


def draw_gaps(gaps: Mapping[str, np.ndarray]) -> Figure:
    """Draw the difference between the versions against the step, one line per mended version.

    Differences that end at the same height share one label.
    """
    figure, grid = new_figure(1, 1, (WIDTH, 4.2))
    axes = grid[0, 0]
    colours = dict(
        zip(STEPS_TO_AGREEMENT, ("vermillion", "orange", "blue", "green", "black"), strict=True)
    )
    labels: list[tuple[float, list[str]]] = []
    for name, gap in gaps.items():
        joined = [names for height, names in labels if abs(gap[-1] - height) <= 0.3 * height]
        axes.plot(gap, color=COLOURS[colours[name]], linestyle="--" if joined else "-", lw=2)
        if joined:
            joined[0].append(name)
        else:
            labels.append((float(gap[-1]), [name]))
    length = len(next(iter(gaps.values())))
    for height, names in labels:
        text = "\n".join(names) + ("\nexactly 0" if height == 0 else "")
        axes.annotate(
            text, (length + 1, height), color=COLOURS[colours[names[0]]], va="center", fontsize=9
        )
    axes.set_yscale("symlog", linthresh=1e-4)
    axes.set(
        xlabel="step",
        ylabel="largest difference of a parameter",
        title="Only with both differences mended do the two versions take the same step",
        xlim=(0, 1.4 * length),
        ylim=(-4e-5, None),
        yticks=[0, 1e-4, 1e-3, 1e-2, 1e-1, 1],
    )
    return figure


EXPERIMENT = BookVersions()
