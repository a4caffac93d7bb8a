"""Forward and reverse mode, Jacobians, gradients of single examples."""

import jax
import jax.numpy as jnp
from jax import grad, jacfwd, jacrev, jit, jvp, vjp, vmap

from samestep.probes import Natives

native = Natives()


@native
def jvp_against_vjp() -> object:
    def f(x):
        return jnp.stack([x[0] * x[1], x[1] ** 2])

    @jit
    def both(x, v, u):
        _, tangent = jvp(f, (x,), (v,))
        _, pullback = vjp(f, x)
        return {"forward": u @ tangent, "reverse": pullback(u)[0] @ v}

    return both(jnp.array([1.0, 2.0]), jnp.array([1.0, 2.0]), jnp.array([1.0, 1.0]))


@native
def jacobian_shape() -> object:
    jacobian = jit(jacrev(lambda x: x.sum() * jnp.ones(3)))(jnp.ones((2, 2)))
    return jnp.array(jacobian.shape)


@native
def jacobian_of_a_gather() -> object:
    def f(x):
        return jnp.stack([x[0] * x[1], x[1] ** 2])

    x = jnp.array([1.0, 2.0])
    return {"forward": jit(jacfwd(f))(x), "reverse": jit(jacrev(f))(x)}


@native
def per_example_gradients() -> object:
    def loss(w, x):
        return (w * x) ** 2 * x

    rows = jnp.array([1.0, 2.0, 3.0])
    single = jit(grad(loss))
    return {
        "vmap": jit(vmap(grad(loss), in_axes=(None, 0)))(1.0, rows),
        "loop": jnp.stack([single(1.0, x) for x in rows]),
    }


@native
def gradient_of_a_vmap() -> object:
    def loss(w, x):
        return (w * x) ** 2 * x

    rows = jnp.array([1.0, 2.0, 3.0])
    mapped = vmap(loss, in_axes=(None, 0))
    return {
        "of the sum": jit(grad(lambda w: mapped(w, rows).sum()))(1.0),
        "sum of": jit(lambda w: vmap(grad(loss), in_axes=(None, 0))(w, rows).sum())(1.0),
    }


@native
def random_numbers_under_vmap() -> object:
    key = jax.random.key(0)
    noisy = vmap(lambda x: x + jax.random.uniform(key))(jnp.zeros(3))
    return len(set(noisy.tolist()))


@native
def vmap_of_unequal_sizes() -> object:
    return vmap(jnp.add)(jnp.ones(2), jnp.ones(3))


@native
def linearize() -> object:
    value, tangent = jax.linearize(lambda x: x**3, 2.0)
    return {"value": value, "slope times 10": tangent(10.0)}
