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
# # Lesson 2: why do they differ? Find a planted bug
#
# Two frameworks, one plan, and one of them has a bug that we plant ourselves. The loss goes down in
# both. Who would notice?

# %%
import samestep
from samestep.planted import BUGS, BrokenBackend, sound_plan

bug = next(bug for bug in BUGS if bug.id == "decay-after-momentum")
plan = sound_plan(**bug.plan)
sound = samestep.train(samestep.backend("torch"), plan)
broken = samestep.train(BrokenBackend(samestep.backend("jax"), bug), plan)

print("loss of the first and the last step")
for trace in (sound, broken):
    print(f"{trace.participant:30} {trace.loss[0, 0]:.5f} {trace.loss[-1, 0]:.5f}")
assert broken.loss[-1, 0] < broken.loss[0, 0]

# %% [markdown]
# Both learn. Comparing the final parameters would show a difference, and leave you with "expected
# float error?". The step-by-step check does not:

# %%
explanation = samestep.explain(sound, broken)
print(explanation)

# %% [markdown]
# It names the first step and the quantity, and it recomputes that step under every fault it knows.
# Here the gradient is still right, so autograd is innocent: the update is wrong.

# %%
divergence = explanation.divergences[0]
assert divergence.quantity == "update"
for cause in divergence.causes:
    print(cause)

# %% [markdown]
# ## The same in the other direction
#
# A sound change of conventions is *not* a bug: a summed loss with its rate divided by the batch
# size takes the same step as the mean. Judge the path of one against the plan of the other:

# %%
mean = samestep.Plan.of(samestep.SyntheticRegression(num_train=320).draw(seed=1))
summed = mean.vary(reduction="sum", learning_rate=0.03 / 32)
trace = samestep.train(samestep.backend("jax"), summed)
assert samestep.judge(trace, plan=mean).holds

# %% [markdown]
# With 1,000 examples the last batch has 8 rows instead of 32, and then it fails. At which step?

# %%
mean = samestep.Plan.of(samestep.SyntheticRegression(num_train=1000).draw(seed=1))
summed = mean.vary(reduction="sum", learning_rate=0.03 / 32)
judgement = samestep.judge(samestep.train(samestep.backend("jax"), summed), plan=mean)
quantity, finding = judgement.first
print(f"{quantity} at step {finding.step}: {finding.observed} instead of {finding.expected}")
assert finding.step == 31

# %% [markdown]
# **To try.** `[bug.id for bug in BUGS]` lists the other bugs. Plant one without looking at its
# description and find out from the explanation what it is.
