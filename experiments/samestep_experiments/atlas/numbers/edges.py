"""NaN, infinities, signed zeros, subnormal numbers, and conversions that do not fit."""

from __future__ import annotations

from samestep.probes import Convention, Probe, Value

CONVERT_TORCH = "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.to.html"
CONVERT_JAX = "https://docs.jax.dev/en/latest/_autosummary/jax.lax.convert_element_type.html"
ANOMALY = "https://docs.pytorch.org/docs/stable/autograd.html"
DEBUG_NANS = "https://docs.jax.dev/en/latest/debugging/flags.html"
DENORMAL = "https://docs.pytorch.org/docs/stable/generated/torch.set_flush_denormal.html"
XLA_FTZ = "https://github.com/jax-ml/jax/issues/16200"
ACCURACY = "https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html"
_RULE = "a rule for a value that is no number"
_FIT = "the value does not fit, and what to store is a choice"


def _link(name: str) -> tuple[str, str]:
    return (
        f"https://docs.pytorch.org/docs/stable/generated/torch.{name}.html",
        f"https://docs.jax.dev/en/latest/_autosummary/jax.numpy.{name}.html",
    )


PROBES = (
    Probe(
        id="maximum-with-nan",
        title="maximum with NaN",
        question="What are max of (1, NaN) and maximum(NaN, 1)?",
        truth=Convention("NaN: it is contagious", _RULE),
        why="IEEE 754 has both kinds of maximum; NumPy's spreads NaN, and both follow. fmax is the "
        "other kind.",
        portable="max spreads NaN, fmax and nanmax do not.",
        references=_link("maximum"),
    ),
    Probe(
        id="order-of-nan",
        title="where NaN is sorted",
        question="Where does sort put NaN, and which index has argmax of (1, NaN, 2)?",
        truth=Convention("a choice", _RULE),
        why="Both sort NaN behind everything, and treat it as the largest for argmax.",
        portable="Look for NaN before sorting.",
        references=_link("sort"),
    ),
    Probe(
        id="clip-of-nan",
        title="clip of NaN",
        question="What is clip(NaN, 0, 1)?",
        truth=Convention("NaN", _RULE),
        why="Clipping is maximum and minimum, which spread NaN: it does not repair a loss.",
        portable="nan_to_num before clip, if it must be.",
        references=_link("clip"),
    ),
    Probe(
        id="nan-to-integer",
        title="NaN as a whole number",
        question="What is NaN converted to int32?",
        truth=Convention("nothing fits", _FIT),
        why="C leaves it undefined. PyTorch gives what the processor gives; XLA defines the "
        "conversion, with 0 for NaN.",
        portable="Replace NaN first.",
        references=(CONVERT_TORCH, CONVERT_JAX),
    ),
    Probe(
        id="large-float-to-integer",
        title="1e10 as a whole number",
        question="What is 1e10 converted to int32?",
        truth=Convention("nothing fits", _FIT),
        why="C leaves it undefined, and the processor's answer on x86 is the smallest integer; XLA "
        "goes to the nearest one that fits.",
        portable="Clip before converting.",
        references=(CONVERT_TORCH, CONVERT_JAX),
    ),
    Probe(
        id="negative-float-to-unsigned",
        title="-1.0 as an unsigned number",
        question="What is -1.0 converted to uint8?",
        truth=Convention("nothing fits", _FIT),
        why="PyTorch wraps around, as whole numbers do; XLA goes to the nearest one that fits.",
        portable="Clip before converting.",
        references=(CONVERT_TORCH, CONVERT_JAX),
    ),
    Probe(
        id="integer-division-by-zero",
        title="whole number divided by zero",
        question="What is 1 // 0 of whole numbers?",
        truth=Convention("undefined", "no number is right"),
        why="PyTorch's CPU raises. A compiled program cannot raise, so XLA defines the quotient as "
        "-1, all bits set, and floor_divide takes one off because the signs seem to differ.",
        portable="where on the divisor.",
        references=_link("floor_divide"),
    ),
    Probe(
        id="signs-of-remainders",
        title="signs of quotient and remainder",
        question="What are -7 // 2 and -7 % 3?",
        truth=Convention(
            "-4 and 2, as in Python",
            "where to round a quotient is a convention",
            expected=[-4, 2],
        ),
        why="Both follow Python: the quotient is rounded down, the remainder has the divisor's "
        "sign. fmod follows C.",
        portable="// and %.",
        references=_link("remainder"),
    ),
    Probe(
        id="halves-are-rounded-to-even",
        title="rounding of halves",
        question="What is round of (0.5, 1.5, 2.5)?",
        truth=Convention(
            "(0, 2, 2): to the nearest even number",
            "what to do with a tie is a convention",
            expected=[0.0, 2.0, 2.0],
        ),
        why="IEEE 754's default, without bias in the mean.",
        portable="As it stands.",
        references=_link("round"),
    ),
    Probe(
        id="integer-overflow",
        title="overflow of a whole number",
        question="What is 2^31 - 1, plus 1, in int32?",
        truth=Convention(
            "2^31 does not fit: -2^31 modulo 2^32", "arithmetic modulo 2^32", expected=-(2**31)
        ),
        why="Both wrap around without a word.",
        portable="Wider integers.",
        references=(CONVERT_TORCH, CONVERT_JAX),
    ),
    Probe(
        id="subnormal-result",
        title="a subnormal result",
        question="What is 1e-30 times 1e-10 in float32?",
        truth=Value(
            1e-40,
            lambda mp: mp.mpf(10) ** -40,
            remark="float32's normal numbers end at 1.2e-38; subnormal ones have fewer digits.",
        ),
        why="PyTorch keeps subnormal numbers unless set_flush_denormal says otherwise. XLA's CPU "
        "code flushes them to 0.",
        portable="Scale: no algorithm should need them.",
        references=(DENORMAL, XLA_FTZ),
        scale=1e-38,
    ),
    Probe(
        id="subnormal-gradient",
        title="a subnormal gradient",
        question="What is the gradient of 1e-20 * (1e-20 * x)?",
        truth=Value(1e-40, lambda mp: mp.diff(lambda x: mp.mpf(10) ** -40 * x, 1)),
        why="Here nothing is flushed: PyTorch keeps subnormal numbers, and JAX's gradient is a "
        "product of two constants, which the compiler has multiplied beforehand, by other rules "
        "than those of the compiled code (see subnormal-result). In float16 it happens at 6e-8, "
        "which is what loss scaling is for.",
        portable="Scale the loss.",
        references=(DENORMAL, "https://docs.pytorch.org/docs/stable/amp.html"),
        scale=1e-38,
    ),
    Probe(
        id="negative-zero",
        title="minus zero",
        question="What are 1 / -0.0, sqrt(-0.0) and sign(-0.0)?",
        truth=Convention("-inf, -0 and -0", "IEEE 754 defines them"),
        why="Both keep the sign of zero in the first two; a framework's sign function is its own.",
        portable="Do not let a sign depend on a zero.",
        references=_link("sign"),
    ),
    Probe(
        id="detecting-nan",
        title="a NaN in the backward pass, with the detector on",
        question="What happens in the gradient of sqrt(0 * x) if NaNs are to be detected?",
        truth=Convention("an error at the place where it arises", "a tool of the framework"),
        why="detect_anomaly checks every backward operation, and names the forward line if it was "
        "on during forward. debug_nans checks the result of each compiled program, and runs it "
        "again operation by operation.",
        portable="Both are slow: for debugging.",
        references=(ANOMALY, DEBUG_NANS),
    ),
    Probe(
        id="length-of-a-range-with-steps",
        title="length of a range with a broken step",
        question="How many numbers has arange(1, 1.3, 0.1)?",
        truth=Value(3, lambda mp: mp.ceil((mp.mpf(13) - 10) / 1), remark="In tenths."),
        why="The length is the quotient (stop - start) / step, rounded up, and computed in "
        "floating point: 1.3 - 1 is a little more than 3 times 0.1.",
        portable="linspace, or a range of whole numbers times the step.",
        references=_link("arange"),
    ),
    Probe(
        id="end-of-a-linspace",
        title="end of a linspace",
        question="Does linspace(0, 1, 7) end exactly at 1, and is its middle exactly 0.5?",
        truth=Value(
            {"end": 1.0, "middle": 0.5}, lambda mp: {"end": mp.mpf(1), "middle": mp.mpf(3) / 6}
        ),
        why="Both compute it so that both ends are exact.",
        portable="As it stands.",
        references=_link("linspace"),
    ),
    Probe(
        id="nan-is-not-itself",
        title="NaN compared with itself",
        question="Is NaN equal to NaN, and do allclose and array_equal think so?",
        truth=Convention(
            "no, by IEEE 754",
            _RULE,
            expected={"==": False, "allclose": False, "equal": False},
        ),
        why="A comparison with NaN is false. A test that compares two results with NaN in them "
        "fails, unless it asks for equal_nan; one that zeroes NaN hides a bug.",
        portable="Count NaN on both sides, then compare the rest.",
        references=_link("allclose"),
    ),
)
