"""Samestep proves whether two automatic-differentiation frameworks took the same step.

One experiment is written once and run on several frameworks and on a float64 oracle; every step
is cross-checked. Importing this package imports no framework; names are loaded when they are used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samestep.agreement import Comparison as Comparison
    from samestep.agreement import compare as compare
    from samestep.benchmarking.conduct import bench as bench
    from samestep.claims import Claim as Claim
    from samestep.claims import Evidence as Evidence
    from samestep.conventions import Convention as Convention
    from samestep.conventions import equivalent_learning_rate as equivalent_learning_rate
    from samestep.divergence import explain as explain
    from samestep.errors import MissingParticipantError as MissingParticipantError
    from samestep.errors import SamestepError as SamestepError
    from samestep.errors import UsageError as UsageError
    from samestep.experiment import Experiment as Experiment
    from samestep.experiment import Parameter as Parameter
    from samestep.interface import Backend as Backend
    from samestep.interface import SGDOptions as SGDOptions
    from samestep.interface import TensorOps as TensorOps
    from samestep.judgement import judge as judge
    from samestep.lab import Lab as Lab
    from samestep.ledger.conduct import losses as losses
    from samestep.ledger.optimizer_ledger import optimizers as optimizers
    from samestep.loss import Loss as Loss
    from samestep.loss import closed_form as closed_form
    from samestep.loss import register_loss as register_loss
    from samestep.plan import Plan as Plan
    from samestep.plan import stack as stack
    from samestep.port import assert_same_step as assert_same_step
    from samestep.port import port_check as port_check
    from samestep.probes.conduct import atlas as atlas
    from samestep.problem import Problem as Problem
    from samestep.problem import SyntheticRegression as SyntheticRegression
    from samestep.registry import backend as backend
    from samestep.registry import oracle as oracle
    from samestep.runner import run as run
    from samestep.runner import show_progress as show_progress
    from samestep.sweeping.conduct import sweep as sweep
    from samestep.trace import Trace as Trace
    from samestep.training import train as train
    from samestep.training import validation_loss as validation_loss

_HOME = {
    "agreement": ("Comparison", "compare"),
    "benchmarking.conduct": ("bench",),
    "judgement": ("judge",),
    "lab": ("Lab",),
    "interface": ("Backend", "SGDOptions", "TensorOps"),
    "claims": ("Claim", "Evidence"),
    "conventions": ("Convention", "equivalent_learning_rate"),
    "divergence": ("explain",),
    "ledger.conduct": ("losses",),
    "ledger.optimizer_ledger": ("optimizers",),
    "port": ("assert_same_step", "port_check"),
    "sweeping.conduct": ("sweep",),
    "errors": ("MissingParticipantError", "SamestepError", "UsageError"),
    "experiment": ("Experiment", "Parameter"),
    "loss": ("Loss", "closed_form", "register_loss"),
    "plan": ("Plan", "stack"),
    "probes.conduct": ("atlas",),
    "problem": ("Problem", "SyntheticRegression"),
    "registry": ("backend", "oracle"),
    "runner": ("run", "show_progress"),
    "trace": ("Trace",),
    "training": ("train", "validation_loss"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = list(_MODULE_OF)  # computed, so that no name is listed three times


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'samestep' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"samestep.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
