"""Named intermediate values of a JAX function, through jit, vmap and grad.

A tap is an identity with a name. It stays in the jaxpr wherever the function is transformed, so an
interpreter of that jaxpr finds the values: of a mapped function the whole batch, the mapped axis
first. Values inside ``lax.scan``, ``lax.cond`` and custom derivatives are not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Primitive, Var
from jax.interpreters import ad, batching, mlir

from samestep.errors import UsageError

__all__ = ["Record", "recorded", "tap"]

_TAP: Any = Primitive("samestep_tap")  # its methods have no types
_TAP.def_impl(lambda x, *, name: x)
_TAP.def_abstract_eval(lambda x, *, name: x)
ad.primitive_jvps[_TAP] = lambda primals, tangents, *, name: (
    _TAP.bind(primals[0], name=name),
    tangents[0],
)
batching.primitive_batchers[_TAP] = lambda args, dims, *, name: (
    _TAP.bind(jnp.moveaxis(args[0], dims[0], 0), name=name),
    0,
)
mlir.register_lowering(_TAP, lambda context, x, *, name: [x])

_INLINED = {"jit": "jaxpr", "pjit": "jaxpr", "remat2": "jaxpr", "checkpoint": "jaxpr"}
_RANDOM = {"random_bits", "threefry2x32", "rng_bit_generator", "rng_uniform"}


def tap(name: str, x: jax.Array) -> jax.Array:
    """Give an intermediate value a name, under which the port check compares it.

    Parameters
    ----------
    name : str
        That of the layer in the other model, or any other that ``activations`` then maps.
    x : array

    Returns
    -------
    array
        The same value; outside a port check this costs nothing.
    """
    tapped: jax.Array = _TAP.bind(jnp.asarray(x), name=name)
    return tapped


@dataclass
class Record:
    """What was seen while a function ran.

    Parameters
    ----------
    values : dict of str to array
        Of the taps, in their order; the second of one name is ``name#2``.
    dtypes : set of str
        Floating-point precisions of all intermediate values.
    """

    values: dict[str, jax.Array] = field(default_factory=dict)
    dtypes: set[str] = field(default_factory=set)

    def add(self, name: str, value: jax.Array) -> None:
        """Keep the value of a tap."""
        key, again = name, 1
        while key in self.values:
            again += 1
            key = f"{name}#{again}"
        self.values[key] = value


def recorded(f: Callable[..., Any], *args: Any) -> tuple[Any, Record]:
    """Call a function and record its taps; may itself be differentiated and compiled.

    Raises
    ------
    UsageError
        If the function draws random numbers.
    """
    closed, shape = jax.make_jaxpr(f, return_shape=True)(*args)
    record = Record()
    flat = _evaluate(closed.jaxpr, closed.consts, jax.tree.leaves(args), record)
    return jax.tree.unflatten(jax.tree.structure(shape), flat), record


def _evaluate(
    jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any], record: Record
) -> list[Any]:
    values: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    values |= dict(zip(jaxpr.invars, args, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else values[atom]

    for eqn in jaxpr.eqns:
        given = [read(atom) for atom in eqn.invars]
        name = eqn.primitive.name
        if name in _INLINED:
            inner = eqn.params[_INLINED[name]]
            closed = inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())
            outs = _evaluate(closed.jaxpr, closed.consts, given, record)
        else:
            _inspect(eqn, record)
            if eqn.primitive is _TAP:
                record.add(eqn.params["name"], given[0])
            outs = jax.core.eval_jaxpr(_alone(jaxpr, eqn), (), *given)
        values |= dict(zip(eqn.outvars, outs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _alone(jaxpr: Jaxpr, eqn: JaxprEqn) -> Jaxpr:
    """Make a program of one equation, whose inputs are all arguments."""
    names: list[Any] = [Var(atom.aval) for atom in eqn.invars]
    program: Any = jaxpr
    alone: Jaxpr = program.replace(
        constvars=[], invars=names, outvars=eqn.outvars, eqns=[eqn.replace(invars=names)]
    )
    return alone


def _inspect(eqn: JaxprEqn, record: Record) -> None:
    """Note precisions, and refuse random numbers, here and in what the equation contains."""
    if eqn.primitive.name in _RANDOM:
        last = next(reversed(record.values), None)
        raise UsageError(
            "The JAX side draws random numbers"
            f"{f' after {last}' if last else ''}: {eqn.primitive.name}. They cannot be matched.",
            "Switch dropout off (deterministic=True), or draw masks beforehand and give them to "
            "both sides as part of the batch.",
        )
    for var in eqn.outvars:
        dtype = getattr(var.aval, "dtype", None)
        if dtype is not None and jnp.issubdtype(dtype, jnp.floating):
            record.dtypes.add(str(dtype))
    for inner in _contained(eqn):
        for part in inner.eqns:
            _inspect(part, record)


def _contained(eqn: JaxprEqn) -> Iterator[Jaxpr]:
    """Yield the programs among an equation's parameters: branches, bodies of loops."""
    # jax.extend.core.jaxprs_in_params does this, but only since JAX 0.10.
    for value in eqn.params.values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, ClosedJaxpr):
                yield part.jaxpr
            elif isinstance(part, Jaxpr):
                yield part
