"""The machinery of the autodiff atlas: small questions that are put to every framework.

How to write a probe
====================

1. **The question**, in ``experiments/samestep_experiments/atlas/CATEGORY/SUBJECT.py``, which
   imports no framework::

       def sqrt_at_0(backend: Backend) -> object:
           return gradient(backend, lambda xp, x: xp.sqrt(x), 0.0)

       PROBES = (
           Probe(
               id="sqrt-at-0",
               title="sqrt at 0",
               question="What is the derivative of sqrt(x) at 0?",
               truth=Derivative(lambda m, x: m.sqrt(x), at=0.0, left=None, right=math.inf),
               shared=sqrt_at_0,
               why="...two or three sentences...",
               portable="...what to write instead...",
               references=("https://...",),
           ),
       )

   The module's PROBES is added to that of the category's package. ``shared`` runs on every backend;
   it may use the functions of ``TensorOps``, ``backend.value_and_grad``, ``backend.compile``,
   ``asarray``, and ``gradient`` of this package. Where the question is about what a framework
   ships or means, leave it out and write native code. ``cure`` is shared code too: what
   ``portable`` recommends, run to show that it is.

2. **The truth.** Three kinds, each with the means to check it, which the tests use:

   - ``Derivative(function, at, left, right)``: the function in mathematics, ``(m, *x)`` with ``m``
     either ``math`` or ``mpmath.mp``, and its one-sided derivatives; measured by difference
     quotients in high precision. Several arguments: sequences. ``diagonal`` for ties.
   - ``Value(expected, computed)``: a value and its computation in mpmath, by another way.
   - ``Convention(says, unmeasured, expected=...)``: a rule, and why nothing can be measured.

   The side is right if the truth admits what it did. State ``expected`` of a convention only if
   another observation would be wrong.

3. **Native code**, in ``backends/samestep_FRAMEWORK/atlas/CATEGORY/SUBJECT.py``: one function per
   probe, as a user of the framework would write it, named like the id with underscores::

       native = Natives()

       @native
       def clip_at_0() -> object:
           x = torch.tensor(0.0, requires_grad=True)
           torch.clip(x, 0, 1).backward()
           return x.grad

   Its source is shown as it is run, so it stands alone: what it needs is in it, or is an import of
   the module. ``native.absent("id", "reason")`` says why a framework has none.
   A probe has 0.2 s (``"seconds"`` of ``samestep atlas --json``). JAX compiles each operation of
   eager code by itself: ``jax.jit(jax.grad(f))(x)`` is quicker by far, unless eagerness matters.

4. **What to return**: None, a bool, number, string or array, or a list or dict (labelled parts) of
   these; an exception is observed, ``attempt(f)`` makes it one of several parts. Return the
   observation itself, never a judgement of it: the verdict is computed. Of a gradient with respect
   to several arguments return a list. dtypes are returned as strings, ``"float32"``. Seed what is
   random. Raising, printing and warning are harmless; a global mode that is left changed is
   restored, and the tests name the probe.

5. **Look and record**: ``samestep atlas ID`` shows the page,
   ``python tests/experiments/record_atlas.py`` records verdicts for the installed versions, and
   ``pytest tests/experiments/test_atlas.py -k ID`` checks truth, sides, isolation and record.
"""

from samestep.probes.derivative import Derivative as Derivative
from samestep.probes.native import Mode as Mode
from samestep.probes.native import Natives as Natives
from samestep.probes.observation import attempt as attempt
from samestep.probes.probe import Probe as Probe
from samestep.probes.probe import gradient as gradient
from samestep.probes.truth import Convention as Convention
from samestep.probes.truth import Value as Value
