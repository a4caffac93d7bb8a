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
# # Lesson 3: what a gradient is, in PyTorch and in JAX
#
# In PyTorch a gradient is something that a tensor *has*. In JAX it is something that a function
# *returns*. Nearly everything that surprises people who move from one to the other follows from it.

# %%
import jax
import jax.numpy as jnp
import torch


def torch_loss(w: torch.Tensor) -> torch.Tensor:
    return (w**2).sum()


def jax_loss(w: jax.Array) -> jax.Array:
    return (w**2).sum()


# %% [markdown]
# The derivative of w^2 is 2 w, and both say so:

# %%
w = torch.tensor([1.0, -3.0], requires_grad=True)
torch_loss(w).backward()
print("PyTorch:", w.grad)
print("JAX:    ", jax.grad(jax_loss)(jnp.array([1.0, -3.0])))

# %% [markdown]
# ## State against value
#
# Do it again without clearing. PyTorch adds to what is there; JAX has nothing to add to.

# %%
torch_loss(w).backward()
print("PyTorch, second backward:", w.grad)
print("JAX, second call:        ", jax.grad(jax_loss)(jnp.array([1.0, -3.0])))
assert w.grad.tolist() == [4.0, -12.0]

# %% [markdown]
# ## Stale gradients
#
# After an optimizer's step the stored gradient belongs to the parameters *before* the step. Reading
# `.grad` after training answers "what is the gradient of the last minibatch, one update ago", not
# "what is the gradient here".

# %%
w = torch.tensor([1.0, -3.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
torch_loss(w).backward()
optimizer.step()
print("stored:", w.grad, " at the new parameters:", torch.func.grad(torch_loss)(w.detach()))

# %% [markdown]
# ## Nothing against zero
#
# A parameter that the loss does not use has no gradient in PyTorch, and a gradient of zero in JAX.
# It matters: an optimizer skips a parameter without a gradient, but one with gradient zero still
# gets its weight decay and its momentum.

# %%
used, unused = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
torch_loss(used).backward()
params = {"used": jnp.ones(1), "unused": jnp.ones(1)}
print("PyTorch:", unused.grad)
print("JAX:    ", jax.grad(lambda p: jax_loss(p["used"]))(params)["unused"])
assert unused.grad is None

# %% [markdown]
# ## Where there is no derivative
#
# At a kink each framework must choose. The atlas runs such questions on the installed versions,
# with the mathematics beside them:

# %%
import samestep  # noqa: E402  # where the lesson needs it

samestep.atlas("abs-at-0", "relu-at-0", "maximum-tie", "norm-at-0").table()

# %% [markdown]
# **To try.** `samestep.atlas("kinks")` has the whole collection. Predict each answer before
# you look: which of them would you have got right?
