"""What was measured of one contender on one workload."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samestep.benchmarking.clock import LEAST_SECONDS, Sample
from samestep.benchmarking.contender import Contender
from samestep.benchmarking.gate import Conditions
from samestep.benchmarking.parity import Parity
from samestep.benchmarking.spread import Spread
from samestep.benchmarking.task import Opening
from samestep.benchmarking.workload import Workload
from samestep.errors import one_line

__all__ = ["Measurement"]


@dataclass
class Measurement:
    """A contender on a workload; it grows while it is measured.

    Parameters
    ----------
    contender : Contender
    workload : Workload
    obstacle : str
        Why nothing was measured, or why it ended early.
    failed : bool
        Whether the obstacle is that it raised, or that its process was lost.
    import_seconds : float or None
        Until its fresh process was ready, its imports included.
    opening : Opening or None
    parity : Parity or None
    samples : list of Sample
        The steady state, one for each round.
    copy_rates : list of float
        Bytes per second of a plain copy in the same processes, where it was measured.
    """

    contender: Contender
    workload: Workload
    obstacle: str = ""
    failed: bool = False
    import_seconds: float | None = None
    opening: Opening | None = None
    parity: Parity | None = None
    samples: list[Sample] = field(default_factory=list)
    copy_rates: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the contender."""
        return self.contender.name

    @property
    def done(self) -> bool:
        """Whether there is a steady state."""
        return bool(self.samples)

    @property
    def proved(self) -> bool:
        """Whether it did the work."""
        return self.parity is not None and self.parity.holds

    def fail(self, error: BaseException) -> None:
        """Note that it broke down."""
        self.obstacle, self.failed = f"failed: {one_line(error)}", True

    @property
    def seconds_per_fit(self) -> list[float]:
        """Samples of the steady state, for one of the workload's runs."""
        return [sample.seconds / self.workload.runs for sample in self.samples]

    @property
    def seconds_taken(self) -> float:
        """About how long all its turns have taken."""
        return sum(max(sample.seconds, LEAST_SECONDS) for sample in self.samples)

    @property
    def spread(self) -> Spread | None:
        """Seconds per fit; None where there is no steady state."""
        return Spread.of(self.seconds_per_fit) if self.samples else None

    @property
    def load(self) -> float:
        """CPU over wall seconds of the steady state."""
        return float(np.median([sample.load for sample in self.samples]))

    @property
    def rate(self) -> float:
        """Bytes of rows that are read in a second."""
        return self.workload.bytes_read / float(np.median([s.seconds for s in self.samples]))

    @property
    def conditions(self) -> Conditions:
        """Under what conditions it was timed, for the gate; only where it is done."""
        assert self.opening is not None
        assert self.parity is not None
        return Conditions(
            name=self.name,
            problem=self.parity.problem,
            dtype=self.opening.dtype,
            device=self.contender.device,
            threads=max(1, round(self.load)),
            recording=self.opening.recording,
            compiler=self.contender.how.compiler,
            does_more=self.contender.how.does_more,
            stacked=self.workload.runs > 1,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data; what is not known is None."""
        how, opening, parity = self.contender.how, self.opening, self.parity
        return {
            "contender": self.name,
            "title": how.title,
            "kind": self.contender.kind,
            "backend": how.backend,
            "mode": self.contender.mode,
            "compiler": how.compiler,
            "device": self.contender.device,
            "does_more": how.does_more,
            "workload": self.workload.to_dict(),
            "obstacle": self.obstacle,
            "import_seconds": self.import_seconds,
            "first_seconds": opening.first if opening else None,
            "second_seconds": opening.second if opening else None,
            "peak_memory_bytes": opening.peak_memory if opening else None,
            "dtype": opening.dtype if opening else None,
            "recording": opening.recording if opening else None,
            "seconds_per_fit": self.spread.to_dict() if self.spread else None,
            "bytes_per_second": self.rate if self.done else None,
            "copy_bytes_per_second": float(np.median(self.copy_rates)) if self.copy_rates else None,
            "threads": {"used": self.load} if self.done else None,
            "parity": {
                "holds": parity.holds,
                "how": parity.how,
                "ratio": parity.ratio,
                "problem": parity.problem,
            }
            if parity
            else None,
        }
