"""RBM: what the layer sees must be likelier than what the layer makes of it.

Smolensky 1986; Hinton. Training products of experts by minimizing contrastive divergence. Neural Computation 14, 2002
(section 5); Hinton, Salakhutdinov. Reducing the dimensionality of data with neural networks. Science 313, 2006 (its
linear units); Hinton. A practical guide to training restricted Boltzmann machines. 2010 (sections 3 and 13.1).

    E(v, h) = −a·v − c·h − vᵀW h                             # W, c: the dense layer's own; a: the visible biases
    F(v) = −log Σ_h exp(−E) = −a·v − Σⱼ log(1 + exp zⱼ),  z = c + vᵀW       # (n,)
    v₀ = x;  k times:  h ~ Bernoulli(σ(z));  v = σ(a + W h)  # v stays a probability: section 3.2
    loss = mean F(v₀) − F(v_k),  v_k held fixed              # its gradient: −⟨v h⟩ of the data + ⟨v h⟩ of v_k

    linear units: + ½|h|² in E;  h ~ N(z, 1);  F(v) = −a·v − ½|z|² up to a constant

Differs from the papers: AdamW in place of momentum; W and c begin uniform within ±1/√(pixels), as every dense layer
here, not W normal with a deviation of 0.01 and c at 0; a begins at 0, not at the log odds of each pixel (Hinton 2010,
section 8); the noise is keyed by image. The loss is a difference that hovers about 0 and does not say how far training
is: look at the reconstructions.
"""

from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Dense, Staged
from headstart.errors import UserError
from headstart.objectives.objective import Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import at_least_one
from headstart.views.random import normal, uniform

V = Float[Tensor, "n v"]
Weights = Float[Tensor, "d v"]


@full
def free_energy(
    v: V, weight: Weights, hidden: Float[Tensor, " d"], visible: Float[Tensor, " v"], *, linear: bool = False
) -> Float[Tensor, " n"]:
    """F(v) in nats, of binary or linear hidden units; the lower, the likelier is v."""
    z = functional.linear(v, weight, hidden)
    return -v @ visible - (z.square().sum(1) / 2 if linear else functional.softplus(z).sum(1))


@full
def gibbs(
    h: Float[Tensor, "n d"], weight: Weights, hidden: Float[Tensor, " d"], visible: Float[Tensor, " v"],
    *, keys: Int[Tensor, " n"], steps: int, linear: bool = False,
) -> V:  # fmt: skip
    """v_k, in [0, 1], from the mean of the hidden units given v₀."""

    def back(h: Float[Tensor, "n d"], step: int) -> V:
        drawn = (normal if linear else uniform)(keys, h.shape[1], stream=104 + step)
        return functional.linear((h + drawn if linear else drawn < h).to(h.dtype), weight.T, visible).sigmoid()

    v = back(h, 0)
    for step in range(1, steps):
        z = functional.linear(v, weight, hidden)
        v = back(z if linear else z.sigmoid(), step)
    return v


class RBM(Objective):
    """Contrastive divergence for a single dense layer. ``steps`` is k, the walk's length away from the data."""

    default_encoder: ClassVar[str] = "dense"
    schedule: ClassVar[Schedule] = Schedule(300_000, 5, 80, learning_rate=1e-2)

    def __init__(self, encoder: Encoder, *, steps: int = 1) -> None:
        super().__init__()
        at_least_one(steps=steps)
        stages = list(encoder.stages) if isinstance(encoder, Staged) else []
        layer = stages[0] if len(stages) == 1 else None
        if not isinstance(layer, Dense) or layer.activation not in ("sigmoid", "linear") or not layer.plain:
            raise UserError(
                "rbm trains one dense layer of sigmoid or linear units, without batch-norm and dropout: "
                "choose --encoder dense, or make several with encoders.networks.dense and train them by greedy:rbm"
            )
        if steps < 1:
            raise UserError(f"steps={steps}: wanted at least 1")
        self.encoder = encoder
        self.linear, self.steps = layer.activation == "linear", steps
        self.visible = nn.Parameter(torch.zeros(layer.linear.in_features))

    def forward(self, batch: Batch) -> Terms:
        """``divergence``: F of the data less F of where k steps lead."""
        v, (weight, hidden) = batch.x.flatten(1), self.encoder.parameters()
        h = self.encoder(batch.x)
        with torch.no_grad():
            away = gibbs(h, weight, hidden, self.visible, keys=batch.keys, steps=self.steps, linear=self.linear)
        here, there = (free_energy(z, weight, hidden, self.visible, linear=self.linear) for z in (v, away))
        return {"divergence": (self.gather(here) - self.gather(there)).mean()}

    def reconstruction(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The visible units' means, given the hidden units' means given x."""
        weight, _ = self.encoder.parameters()
        return functional.linear(self.encoder(x), weight.T, self.visible).sigmoid().unflatten(1, x.shape[1:])
