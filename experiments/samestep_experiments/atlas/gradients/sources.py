"""Pages of documentation that several probes of this category lean on."""

from __future__ import annotations

AUTOGRAD_NOTES = "https://docs.pytorch.org/docs/stable/notes/autograd.html"
BACKWARD = "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html"
AUTOGRAD_GRAD = "https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html"
ZERO_GRAD = "https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html"
IS_LEAF = "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.is_leaf.html"
RETAIN_GRAD = "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.retain_grad.html"
REGISTER_HOOK = "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html"

JAX_GRAD = "https://docs.jax.dev/en/latest/_autosummary/jax.grad.html"
CLIP_GRADIENT = "https://docs.jax.dev/en/latest/jep/4008-custom-vjp-update.html"
ARRAY_AT = "https://docs.jax.dev/en/latest/_autosummary/jax.Array.at.html"
