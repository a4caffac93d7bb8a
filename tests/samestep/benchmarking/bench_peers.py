"""Peers for tests: one that is honest, and some that are not."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np

from samestep.benchmarking.peer import Fit, Outcome, Peer
from samestep.benchmarking.workload import Workload


def can_do_all(workload: Workload) -> str:
    return ""


def one_fit_only(workload: Workload) -> str:
    return "" if workload.runs == 1 else "one fit at a time"


def fitting(workload: Workload, rate_factor: float = 1.0) -> Fit:
    """Minibatch SGD in plain NumPy; the factor makes it do something else."""
    plan, dtype = workload.plan(), np.dtype(workload.dtype)
    X, y = plan.data(dtype)
    start = plan.initial(dtype)
    rate = (plan.learning_rate * rate_factor).astype(dtype)
    masks = plan.masks(dtype)

    def fit() -> Outcome:
        w, b = start["w"], start["b"]
        record: dict[str, list[np.ndarray]] = {}
        for batch, mask in zip(plan.batches, masks, strict=True):
            X_k, y_k = X[batch], y[batch]
            prediction = np.einsum("rbf,rf->rb", X_k, w) + b[:, None]
            residual = (prediction - y_k) * mask
            count = mask.sum(1)
            loss = (residual**2).sum(1) / count
            g_w = 2 * np.einsum("rb,rbf->rf", residual, X_k) / count[:, None]
            g_b = 2 * residual.sum(1) / count
            w, b = w - rate[:, None] * g_w, b - rate * g_b
            step = {"prediction": prediction, "loss": loss, "gradient/w": g_w, "gradient/b": g_b}
            for name, values in (step | {"params/w": w, "params/b": b}).items():
                record.setdefault(name, []).append(values)
        kept = {name: np.stack(values) for name, values in record.items()}
        return Outcome({"w": w, "b": b}, kept if workload.record == "every step" else None)

    return fit


def cheating(workload: Workload) -> Fit:
    return fitting(workload, 1.01)


def unfinished(workload: Workload) -> Fit:
    """Hand over something that still has to be computed."""
    fit = fitting(workload)

    def later() -> Outcome:
        outcome = fit()
        promises: Any = {name: lambda v=values: v for name, values in outcome.final.items()}
        return Outcome(promises, outcome.record)

    return later


def raising(workload: Workload) -> Fit:
    raise ValueError("no such thing\nand a page more")


def dying(workload: Workload) -> Fit:
    os._exit(3)


HONEST = Peer("honest", "NumPy by hand", "", (), "none", can_do_all, fitting)
ONE_BY_ONE = replace(HONEST, name="one by one", obstacle=one_fit_only)
CHEAT = replace(HONEST, name="cheat", prepare=cheating)
UNFINISHED = replace(HONEST, name="unfinished", prepare=unfinished)
MORE = replace(HONEST, name="more", does_more="validates after each epoch")
COMPILED = replace(HONEST, name="compiled", compiler="LLVM")
RAISES = replace(HONEST, name="raises", prepare=raising)
DIES = replace(HONEST, name="dies", prepare=dying)
ABSENT = replace(HONEST, name="absent", requires=("no-such-distribution",))
FOREIGN = replace(HONEST, name="foreign", backend="nobody")
SLOW = replace(HONEST, name="slow", slow=True)
NAMESAKE = replace(HONEST, name="numpy")


def entry(name: str) -> EntryPoint:
    return EntryPoint(name.lower(), f"bench_peers:{name}", "samestep.peers")
