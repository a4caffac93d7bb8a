"""Default dtypes, and what becomes of two that meet."""

from __future__ import annotations

from samestep.probes import Convention, Probe, Value

PROMOTION = "https://docs.jax.dev/en/latest/type_promotion.html"
TENSORS = "https://docs.pytorch.org/docs/stable/tensor_attributes.html"
X64 = "https://docs.jax.dev/en/latest/default_dtypes.html"
GOTCHAS = "https://docs.jax.dev/en/latest/notebooks/Common_Gotchas_in_JAX.html"
TENSOR = "https://docs.pytorch.org/docs/stable/generated/torch.tensor.html"
_CHOICE = "dtypes are a choice of the framework"

PROBES = (
    Probe(
        id="dtype-of-floats",
        title="dtype of Python floats",
        question="Which dtype has an array that is made of Python floats?",
        truth=Convention("float64 holds them exactly", _CHOICE),
        why="A Python float has double precision; both frameworks make it single, because that is "
        "what accelerators are fast at.",
        portable="Name the dtype.",
        references=(TENSOR, X64),
    ),
    Probe(
        id="dtype-of-integers",
        title="dtype of Python integers",
        question="Which dtype has an array that is made of Python integers?",
        truth=Convention("a choice", _CHOICE),
        why="PyTorch's default is 64 bits, JAX's is 32 unless x64 is on. Sums of many integers and "
        "large indices overflow in one and not in the other.",
        portable="Name the dtype.",
        references=(TENSOR, X64),
    ),
    Probe(
        id="dtype-from-numpy",
        title="dtype of a NumPy array that is handed over",
        question="Which dtype has an array that is made of a float64 array of NumPy's?",
        truth=Convention("float64: nothing is lost", _CHOICE, expected="float64"),
        why="PyTorch keeps the dtype. Without x64 JAX rounds to float32, without a word, because "
        "the array asked for nothing.",
        portable="Convert on purpose: x.astype(numpy.float32).",
        references=(TENSOR, GOTCHAS),
    ),
    Probe(
        id="float64-on-request",
        title="float64 on request",
        question="Which dtype has an array of zeros for which float64 was asked?",
        truth=Convention("float64, as asked", _CHOICE, expected="float64"),
        why="Without x64 JAX gives float32 and a warning, which is easily lost in a log.",
        portable="Switch x64 on in a scope: with jax.enable_x64().",
        references=(GOTCHAS, X64),
    ),
    Probe(
        id="mean-of-integers",
        title="mean of integers",
        question="What is the mean of the whole numbers 1 and 2?",
        truth=Value(1.5, lambda mp: mp.fsum([1, 2]) / 2),
        why="JAX follows NumPy and computes in floating point. PyTorch wants the dtype of the "
        "result to be that of the input, finds none, and raises.",
        portable="Convert first.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.mean.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.mean.html",
        ),
    ),
    Probe(
        id="dtype-of-indices",
        title="dtype of an index",
        question="Which dtype has the result of argmax?",
        truth=Convention("a choice", _CHOICE),
        why="The defaults again: 64 bits in PyTorch, 32 in JAX.",
        portable="Convert what is stored or compared.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.argmax.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.argmax.html",
        ),
    ),
    Probe(
        id="promotion-of-integer-and-half",
        title="int32 meets float16",
        question="Which dtype has the sum of an int32 and a float16 array?",
        truth=Convention("a choice", _CHOICE),
        why="Both let the floating-point type win, however narrow: 70,000 becomes inf. NumPy would "
        "go to float64.",
        portable="Convert on purpose.",
        references=(PROMOTION, TENSORS),
    ),
    Probe(
        id="promotion-of-python-float-and-bfloat16",
        title="a Python float meets bfloat16",
        question="Which dtype has the product of a Python float and a bfloat16 array?",
        truth=Convention("a choice", _CHOICE),
        why="A Python number is weakly typed in JAX and counts as a scalar of the array's category "
        "in PyTorch, so that constants do not widen a computation.",
        portable="Write constants as Python numbers.",
        references=(PROMOTION, TENSORS),
    ),
    Probe(
        id="promotion-of-scalar-array-and-bfloat16",
        title="an array without axes meets bfloat16",
        question="Which dtype has the product of a float32 array of shape () and a bfloat16 array?",
        truth=Convention("a choice", _CHOICE),
        why="In PyTorch an array without axes gives way to one with axes of the same category, "
        "like a Python number. In JAX every array counts by its dtype. A learning rate that is an "
        "array widens the parameters in one framework only.",
        portable="Make constants Python numbers, or cast the result back.",
        references=(PROMOTION, TENSORS),
    ),
    Probe(
        id="true-division-of-integers",
        title="true division of integers",
        question="Which dtype has 7 / 2 of whole numbers?",
        truth=Convention("a floating-point type", _CHOICE, expected="float32"),
        why="Both go to their default floating-point type.",
        portable="// for whole numbers, / for real ones.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.div.html",
            PROMOTION,
        ),
    ),
    Probe(
        id="negative-power-of-an-integer",
        title="an integer to a negative power",
        question="What is the whole number 2 to the power of the whole number -1?",
        truth=Value(0.5, lambda mp: mp.mpf(2) ** -1),
        why="The result is no whole number. PyTorch rounds it to 0, which is easily taken for a "
        "result; JAX raises, as NumPy does.",
        portable="Make the base real.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.pow.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.power.html",
        ),
    ),
    Probe(
        id="small-integer-overflow",
        title="overflow of small integers",
        question="What is 200 + 100 in uint8?",
        truth=Convention("300 does not fit: 44 modulo 256", "arithmetic modulo 256", expected=44),
        why="Whole numbers wrap around in both, without a word.",
        portable="Widen before adding: pixels are the usual victims.",
        references=(TENSORS, PROMOTION),
    ),
    Probe(
        id="difference-of-booleans",
        title="difference of truth values",
        question="What is True - False of two boolean arrays?",
        truth=Convention("a choice", "truth values have no subtraction"),
        why="PyTorch raises and names logical_xor; JAX follows NumPy, which raises too.",
        portable="^ or logical_xor, or convert to whole numbers.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.sub.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.subtract.html",
        ),
    ),
    Probe(
        id="integer-beyond-32-bits",
        title="a whole number beyond 32 bits",
        question="What becomes of 2^40 in an array with the default dtype?",
        truth=Value(2**40, lambda mp: mp.mpf(2) ** 40),
        why="It fits into PyTorch's 64 bits. JAX's default has 32, and a Python integer that does "
        "not fit is an error.",
        portable="Name a dtype that holds it; in JAX within a scope of x64.",
        references=(X64, TENSOR),
    ),
    Probe(
        id="whole-number-in-float32",
        title="a whole number that float32 lacks",
        question="What is 2^24 + 1 in float32?",
        truth=Value(2**24 + 1, lambda mp: mp.mpf(2) ** 24 + 1),
        why="Single precision has 24 bits, so odd numbers end there; a counter of steps in float32 "
        "stands still from there on.",
        portable="Count in whole numbers.",
        references=(TENSORS, X64),
    ),
    Probe(
        id="matmul-precision-default",
        title="the promise of a float32 product",
        question="What do the settings promise about products of float32 matrices?",
        truth=Convention("float32", "a setting promises what its documentation says"),
        why='PyTorch says "highest" unless somebody lowers it. JAX leaves it to the platform '
        "(None): full precision on CPUs, fewer bits on TPUs and, as TF32, on GPUs.",
        portable='Set it: torch.set_float32_matmul_precision("highest"), '
        'jax.default_matmul_precision("highest").',
        references=(
            ""
            "https://docs.pytorch.org/docs/stable/generated/torch.set_float32_matmul_precision.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.default_matmul_precision.html",
        ),
    ),
)
