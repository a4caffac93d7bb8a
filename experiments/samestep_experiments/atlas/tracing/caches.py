"""How often a function is traced, and what is remembered from the first time."""

from __future__ import annotations

from samestep.probes import Convention, Probe

JIT = "https://docs.jax.dev/en/latest/jit-compilation.html"
STATEFUL = "https://docs.jax.dev/en/latest/stateful-computations.html"
SHARP = "https://docs.jax.dev/en/latest/notebooks/Common_Gotchas_in_JAX.html"
RANDOM = "https://docs.jax.dev/en/latest/random-numbers.html"
TYPES = "https://docs.jax.dev/en/latest/type_promotion.html"
DYNAMO = "https://docs.pytorch.org/docs/stable/compile/programming_model.dynamo_core_concepts.html"
DYNAMIC = "https://docs.pytorch.org/docs/stable/torch.compiler_dynamic_shapes.html"
ERRORS = "https://docs.jax.dev/en/latest/errors.html"
_COUNT = "how often a function is traced is a matter of the compiler, not of mathematics"

PROBES = (
    Probe(
        id="traces-of-one-shape",
        title="two calls of one shape",
        question="How often is a compiled function traced in two calls of one shape?",
        truth=Convention("once", _COUNT, expected=1),
        why="Both remember what they compiled, by function, shapes and dtypes.",
        portable="Define the function once, at module level.",
        references=(JIT, DYNAMO),
    ),
    Probe(
        id="traces-of-three-shapes",
        title="three calls of different lengths",
        question="How often is a compiled function traced for arrays of 2, 3 and 4 rows?",
        truth=Convention("at most once per shape", _COUNT),
        why="jit compiles for exactly the shapes it sees. torch.compile marks a size that changed "
        "as dynamic and compiles once more for any size, so the third length costs nothing.",
        portable="Pad to few shapes.",
        references=(JIT, DYNAMIC),
    ),
    Probe(
        id="traces-of-two-dtypes",
        title="two calls of different dtypes",
        question="How often is a compiled function traced for whole and for real numbers?",
        truth=Convention("once per dtype", _COUNT, expected=2),
        why="The dtype is part of the key of both caches.",
        portable="Convert before the call.",
        references=(JIT, DYNAMO),
    ),
    Probe(
        id="traces-of-python-numbers",
        title="three calls with different Python numbers",
        question="How often is a compiled function traced for the Python numbers 1.5, 2.5 and 3.5?",
        truth=Convention("once would do", _COUNT),
        why="jit turns a Python number into an abstract argument, so its value does not matter. "
        "torch.compile takes a Python number as a constant at first; when it changes it becomes an "
        "argument, which takes a second compilation.",
        portable="Pass what changes as an array.",
        references=(JIT, DYNAMIC),
    ),
    Probe(
        id="traces-of-a-new-lambda",
        title="a new function in every call",
        question="How often is 'compile(lambda ...)' traced if it stands in a loop of three?",
        truth=Convention("once would do: the code is the same", _COUNT),
        why="A lambda in a loop is a new function each time. jit's cache has the function as its "
        "key and traces each; torch.compile's belongs to the code object, which is the same, and "
        "is checked by guards.",
        portable="Define and compile outside of the loop.",
        references=(JIT, DYNAMO),
    ),
    Probe(
        id="traces-of-weak-types",
        title="a Python number, then an array of the same dtype",
        question="How often is a compiled function traced for 1.0 and then for an array of 1.0?",
        truth=Convention("once would do", _COUNT),
        why="In JAX a Python number has a weak type, which is part of the key: the program may "
        "differ, because a weak type gives way in promotions. In PyTorch the two are different "
        "kinds of arguments, a constant and a tensor.",
        portable="Call it with arrays only.",
        references=(TYPES, DYNAMO),
    ),
    Probe(
        id="global-changed-after-compilation",
        title="a global that is changed after the first call",
        question="Which value of a global does the second call of a compiled function use?",
        truth=Convention(
            "[2, 3]: the value at the time of the call, as Python does",
            "a rule of Python, which a tracer may or may not keep",
            expected=[2.0, 3.0],
        ),
        why="jit traces once and burns the number into the program; it assumes pure functions and "
        "does not look at globals again. torch.compile guards what it read and compiles anew.",
        portable="Pass it as an argument.",
        references=(SHARP, DYNAMO),
    ),
    Probe(
        id="side-effects-in-two-calls",
        title="a side effect in a compiled function",
        question="How often does a list grow in two calls that append to it?",
        truth=Convention(
            "twice, as in Python",
            "a rule of Python, which a tracer may or may not keep",
            expected=2,
        ),
        why="The append runs while jit traces, and is not part of the compiled program. "
        "torch.compile replays side effects on Python objects after its graph.",
        portable="Return what you want to keep.",
        references=(STATEFUL, DYNAMO),
    ),
    Probe(
        id="host-randomness-in-two-calls",
        title="Python's random numbers in a compiled function",
        question="How many different random numbers do three calls return?",
        truth=Convention(
            "three, as in Python",
            "a rule of Python, which a tracer may or may not keep",
            expected=3,
        ),
        why="The number that Python's random drew while jit traced is a constant of the program. "
        "torch.compile draws anew in each call.",
        portable="JAX: an explicit key; PyTorch: its own generator.",
        references=(RANDOM, DYNAMO),
    ),
    Probe(
        id="tracer-kept-outside",
        title="an intermediate value kept in a list",
        question="Can an intermediate value that was put into a list be used after the call?",
        truth=Convention(
            "9, as in Python",
            "a rule of Python, which a tracer may or may not keep",
            expected=9.0,
        ),
        why="What jit's function put into the list is a tracer, a stand-in without a number; using "
        "it later raises. torch.compile puts the tensor there.",
        portable="Return intermediate values.",
        references=(ERRORS, DYNAMO),
    ),
    Probe(
        id="unhashable-static-argument",
        title="a list as a constant of the program",
        question="May a list of numbers be a compile-time constant?",
        truth=Convention("a rule of the interface", "a rule of the interface"),
        why="jit's static arguments are keys of a dictionary and must be hashable. torch.compile "
        "guards on the contents of the list.",
        portable="Pass tuples.",
        references=(JIT, DYNAMO),
    ),
    Probe(
        id="grad-of-jit",
        title="derivative of a compiled function",
        question="Is the derivative of a compiled function the compiled derivative?",
        truth=Convention(
            "yes, 12 both ways",
            "compilation must not change a function",
            expected=12.0,
        ),
        why="jit and grad compose in either order; PyTorch's compiled function can be "
        "differentiated as any other.",
        portable="Compile the outermost function.",
        references=(JIT, DYNAMO),
    ),
    Probe(
        id="shape-without-computing",
        title="the shape of a result without computing it",
        question="What is the shape of a product of matrices that are never filled?",
        truth=Convention("[2, 4]", "shapes follow from shapes", expected=[2, 4]),
        why="eval_shape traces with abstract values, PyTorch's meta device has tensors without "
        "storage; both run the shape rules alone.",
        portable="jax.eval_shape; device='meta'.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.eval_shape.html",
            "https://docs.pytorch.org/docs/stable/meta.html",
        ),
    ),
    Probe(
        id="argument-changed-by-the-callee",
        title="an argument that the function overwrites",
        question="What does the caller's array hold after a function wrote into its argument?",
        truth=Convention(
            "[9, 2] if arrays can be written, else [1, 2]",
            "whether arrays can be written is a choice of the framework",
        ),
        why="A PyTorch tensor is a place in memory and a compiled function writes into it as an "
        "eager one does. A JAX array is a value: an assignment raises, and at[].set returns a new "
        "array.",
        portable="Return the changed array.",
        references=(SHARP, "https://docs.pytorch.org/docs/stable/notes/autograd.html"),
    ),
    Probe(
        id="donated-argument",
        title="an argument that was given away",
        question="Can an array be read after it was donated to a compiled function?",
        truth=Convention("no: its memory is the result's", "a rule of the interface"),
        why="donate_argnums lets XLA write the result into the argument's memory; the array that "
        "is left behind raises when it is read. PyTorch has in-place operations instead.",
        portable="Do not use what was donated.",
        references=(
            "https://docs.jax.dev/en/latest/buffer_donation.html",
            "https://docs.jax.dev/en/latest/faq.html",
        ),
    ),
)
