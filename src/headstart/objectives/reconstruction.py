"""What a reconstruction costs, for the methods that reconstruct."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from headstart.objectives.objective import full


@full
def squared_error(x: Float[Tensor, "n c h w"], made: Float[Tensor, "n c h w"]) -> Float[Tensor, ""]:
    """Mean squared error over images, channels and pixels; in squared units of the input, at least 0."""
    return (x - made).square().mean()


@full
def cross_entropy(x: Float[Tensor, "n c h w"], made: Float[Tensor, "n c h w"]) -> Float[Tensor, ""]:
    """Mean of −x log x̂ − (1 − x) log(1 − x̂) over images, channels and pixels, both in [0, 1]; in nats.

    At least the entropy of the pixels, which is 0 for black and white.
    """
    return functional.binary_cross_entropy(made, x)
