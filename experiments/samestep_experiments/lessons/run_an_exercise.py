# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 1: run an exercise and read the verdict
#
# PyTorch and JAX train the same linear regression from the same bytes: the same data, the same
# initial values, the same minibatches. Did they take the same steps? We run it and read the answer.

# %%
import samestep

result = samestep.run("book-versions", seeds=16, progress=samestep.show_progress)
result

# %% [markdown]
# The book prints this section twice, once for PyTorch and once for JAX. What do the two printed
# versions do, and is it the frameworks that differ?

# %%
print(result.summary.exercises[0].answer)

# %% [markdown]
# Each sentence of an answer rests on *claims*. A claim is checked on every participant, and keeps
# the measured evidence.

# %%
for claim in result.claims:
    print("held" if claim.holds else "failed", "-", claim.statement)
    for participant, evidence in claim.evidence.items():
        print("     ", participant, "-", evidence.text)

# %% [markdown]
# ## What stands behind "the same step"
#
# Take one fit by hand. A *plan* is everything that a run needs, as data; a *trace* is what a run
# did, step by step.

# %%
problem = samestep.SyntheticRegression().draw(seed=0)
plan = samestep.Plan.of(problem, learning_rate=0.03, epochs=3)
traces = [samestep.train(samestep.backend(name), plan) for name in ("torch", "jax")]
comparison = samestep.compare(*traces)
comparison

# %% [markdown]
# The bound is not a tolerance that somebody picked. A float64 oracle starts from the *recorded*
# state before each step and computes that one step anew; the bound is how far rounding can move a
# single step, worked out from the numbers that were added. So the verdict needs no theory of how
# errors spread along a path, and the first step that is wrong is the one that is named.
#
# The two paths are not equal to the bit, and need not be:

# %%
gap = next(a.gap for a in comparison.agreements if a.quantity == "update")
print(f"largest gap between the two paths: {gap:.3g}")
assert comparison.holds

# %% [markdown]
# **To try.** Ask for `dtype="float64"` in the backends: how much smaller do gap and bound become?
# Which is the quantity that comes closest to its bound, and why is it not the loss?
