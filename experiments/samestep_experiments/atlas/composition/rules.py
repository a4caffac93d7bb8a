"""Custom rules, straight-through estimators, checkpoints: where the program overrules autograd."""

from __future__ import annotations

from samestep.probes import Convention, Probe, Value

CUSTOM_JAX = "https://docs.jax.dev/en/latest/notebooks/Custom_derivative_rules_for_Python_code.html"
EXTENDING = "https://docs.pytorch.org/docs/stable/notes/extending.html"
DOUBLE = (
    "https://docs.pytorch.org/tutorials/intermediate/custom_function_double_backward_tutorial.html"
)
CHECKPOINT_TORCH = "https://docs.pytorch.org/docs/stable/checkpoint.html"
CHECKPOINT_JAX = "https://docs.jax.dev/en/latest/gradient-checkpointing.html"
FORWARD_TORCH = "https://docs.pytorch.org/tutorials/intermediate/forward_ad_usage.html"

PROBES = (
    Probe(
        id="wrong-rule-is-believed",
        title="a wrong custom rule",
        question="Does anybody notice that the custom rule of x^2 says 7 instead of 2 x?",
        truth=Value(6.0, lambda mp: mp.diff(lambda x: x**2, 3)),
        why="A custom rule replaces differentiation; neither framework compares it with the "
        "function. Both offer a check by finite differences, which has to be called.",
        portable="Test every custom rule: torch.autograd.gradcheck, jax.test_util.check_grads.",
        references=(
            CUSTOM_JAX,
            EXTENDING,
            "https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html",
        ),
    ),
    Probe(
        id="reverse-rule-in-forward-mode",
        title="a reverse-mode rule in forward mode",
        question="Can a function with a custom rule for reverse mode be differentiated forward?",
        truth=Convention(
            "no: a rule for vector-Jacobian products gives no Jacobian-vector product",
            "a rule of the interface",
        ),
        why="The rule maps cotangents to cotangents, and cannot be turned around. JAX's other "
        "decorator, custom_jvp, defines the forward rule and gets reverse mode by transposition; "
        "PyTorch's Function takes a jvp method beside backward.",
        portable="Write the forward rule: custom_jvp, or Function.jvp beside backward.",
        references=(CUSTOM_JAX, FORWARD_TORCH, EXTENDING),
    ),
    Probe(
        id="second-derivative-of-a-rule",
        title="second derivative of a custom rule",
        question="Is the derivative of a custom rule the rule's own derivative?",
        truth=Convention(
            "yes: what is differentiated twice is the rule",
            "a rule of the interface",
            expected={"first": 7.0, "second": 0.0},
        ),
        why="Differentiating again differentiates the code of the rule. The rule here says that "
        "the slope of x^2 is 7, so the second derivative is 0 and not 2: an approximation in the "
        "first derivative is not one in the second.",
        portable="Give the rule the derivative that its own derivative should be taken of.",
        references=(DOUBLE, CUSTOM_JAX),
    ),
    Probe(
        id="once-differentiable",
        title="a rule that is made for one derivative",
        question="What happens to the second derivative if the rule leaves the framework?",
        truth=Value(6.0, lambda mp: mp.diff(lambda x: x**3, 1, 2)),
        why="once_differentiable marks a backward that autograd cannot see into, and a second "
        "derivative raises. The same rule in JAX is traced, whatever it calls, so NumPy raises in "
        "the first derivative already; the probe's rule is therefore written in jax.numpy, and "
        "the second derivative is found.",
        portable="Write rules in the framework's own operations.",
        references=(DOUBLE, CUSTOM_JAX),
    ),
    Probe(
        id="straight-through",
        title="straight-through estimator",
        question="What gradient does x + stop(round(x) - x) have?",
        truth=Convention(
            "1, and the value is the rounded one",
            "the gradient of an estimator is chosen, it is not a derivative",
            expected={"value": 2.0, "gradient": 1.0},
        ),
        why="The difference that turns x into its rounded value counts as a constant, so only x "
        "is differentiated. The true derivative of round is 0 almost everywhere, and trains "
        "nothing.",
        portable="The same line with detach or stop_gradient.",
        references=(
            CUSTOM_JAX,
            "https://docs.jax.dev/en/latest/advanced-autodiff.html",
        ),
    ),
    Probe(
        id="gradient-reversal",
        title="gradient reversal",
        question="Does an identity whose rule flips the sign give the flipped gradient?",
        truth=Convention(
            "minus the derivative",
            "the rule contradicts the function on purpose",
            expected=-3.0,
        ),
        why="The layer is the identity forward and minus the identity backward, as in adversarial "
        "domain adaptation; both frameworks do what the rule says.",
        portable="autograd.Function and custom_vjp, or 2 stop(x) - x, which needs neither.",
        references=(EXTENDING, CUSTOM_JAX),
    ),
    Probe(
        id="checkpoint-calls",
        title="how often a checkpointed function runs",
        question="How often is the Python body of a checkpointed function called for one gradient?",
        truth=Convention(
            "the gradient is the same; the work is done twice",
            "how often Python runs is a matter of the framework",
        ),
        why="PyTorch runs the body forward, drops what it saved and runs it again in the backward "
        "pass. JAX traces the body, and what is done twice is in the compiled program: a side "
        "effect in the body, such as a random number from the host, is not repeated.",
        portable="Keep checkpointed functions pure.",
        references=(CHECKPOINT_TORCH, CHECKPOINT_JAX),
    ),
)
