"""Python's control flow on values that are being traced."""

from __future__ import annotations

from samestep.probes import Convention, Probe, Value

CONTROL = "https://docs.jax.dev/en/latest/control-flow.html"
ERRORS = "https://docs.jax.dev/en/latest/errors.html"
DYNAMO = "https://docs.pytorch.org/docs/stable/compile/programming_model.dynamo_core_concepts.html"
FX = "https://docs.pytorch.org/docs/stable/fx.html"
FUNC_LIMITS = "https://docs.pytorch.org/docs/stable/func.ux_limitations.html"

PROBES = (
    Probe(
        id="if-under-grad",
        title="if on a value under grad",
        question="What is the derivative of 'x if x > 0 else -x' at -2?",
        truth=Value(-1.0, lambda mp: mp.diff(lambda x: x if x > 0 else -x, -2)),
        why="Differentiation alone needs no tracing without values: both run the branch that is "
        "taken, with the number at hand.",
        portable="Python's if, as long as nothing is compiled or mapped.",
        references=(CONTROL, FX),
    ),
    Probe(
        id="if-under-jit",
        title="if on a value under a compiler",
        question="What does the same branch do in a compiled function?",
        truth=Convention(
            "2 at -2: the compiler must not change the function",
            "whether Python's control flow is part of the program is a choice of the tracer",
            expected=2.0,
        ),
        why="jit traces with abstract values that have a shape and no number, so Python's if "
        "raises. torch.compile reads the bytecode: it runs the branch in Python between two "
        "compiled graphs.",
        portable="where, or lax.cond and torch.cond.",
        references=(ERRORS, DYNAMO),
    ),
    Probe(
        id="if-under-vmap",
        title="if on a value under vmap",
        question="What does the same branch do when it is mapped over rows?",
        truth=Convention(
            "each row takes its branch: [2, 3]",
            "whether Python's control flow is mapped is a choice of the tracer",
            expected=[2.0, 3.0],
        ),
        why="A mapped value stands for all rows at once, and one if cannot take two branches; both "
        "refuse to ask it for its truth.",
        portable="where.",
        references=(FUNC_LIMITS, CONTROL),
    ),
    Probe(
        id="symbolic-trace-of-if",
        title="if on a value in a symbolic trace",
        question="Can a function with an if on a value be turned into a graph?",
        truth=Convention("no: a graph has no branch", "a rule of the tracer"),
        why="fx.symbolic_trace and make_jaxpr both run the function on stand-ins without numbers, "
        "and both raise at the first question about a value.",
        portable="where, or a functional conditional.",
        references=(FX, ERRORS),
    ),
    Probe(
        id="loop-over-a-value",
        title="a loop whose length is a value",
        question="What does 'for _ in range(n)' do in a compiled function if n is an argument?",
        truth=Convention(
            "8 = 1 doubled 3 times",
            "whether Python's control flow is part of the program is a choice of the tracer",
            expected=8.0,
        ),
        why="jit makes every argument abstract, also a Python number, and range wants a number. "
        "torch.compile takes a Python number as a constant, and unrolls the loop.",
        portable="lax.fori_loop, or static_argnums for n.",
        references=(ERRORS, DYNAMO),
    ),
    Probe(
        id="boolean-mask",
        title="a result whose shape depends on values",
        question="What does x[x > 0] return in a compiled function?",
        truth=Convention(
            "[1, 3]",
            "whether shapes may depend on values is a choice of the compiler",
            expected=[1.0, 3.0],
        ),
        why="XLA compiles for known shapes, so jit cannot build an array whose length depends on "
        "the numbers. torch.compile leaves that operation to eager PyTorch.",
        portable="Keep the shape: where(x > 0, x, 0), or a size given beforehand.",
        references=(ERRORS, DYNAMO),
    ),
    Probe(
        id="value-as-python-number",
        title="a traced value as a Python number",
        question="What does float(x) do in a compiled function?",
        truth=Convention(
            "the number",
            "whether a program may leave the trace is a choice of the tracer",
            expected=4.0,
        ),
        why="There is no number while jit traces. torch.compile ends its graph there, runs the "
        "conversion, and goes on in a second graph.",
        portable="Stay in arrays; convert outside.",
        references=(ERRORS, DYNAMO),
    ),
    Probe(
        id="shape-in-control-flow",
        title="if on a shape",
        question="May a compiled function branch on the shape of its argument?",
        truth=Convention("yes: shapes are known", "a rule of the tracer", expected=[3.0, 20.0]),
        why="Shapes are part of what is known while tracing, so Python's if on a shape is resolved "
        "there, once per shape.",
        portable="Branch on shapes freely.",
        references=(CONTROL, DYNAMO),
    ),
    Probe(
        id="assert-on-a-value",
        title="assert on a value",
        question="Does an assert on a value hold in a compiled function?",
        truth=Convention(
            "it is checked",
            "whether Python's statements are part of the program is a choice of the tracer",
        ),
        why="An assert asks a traced value for its truth, as an if does. JAX has checkify for "
        "errors that depend on values; torch.compile runs the assert.",
        portable="Check outside of the compiled function.",
        references=("https://docs.jax.dev/en/latest/debugging/checkify_guide.html", DYNAMO),
    ),
)
