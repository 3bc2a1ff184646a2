"""An encoder cut at a named layer: what that layer puts out, flattened, becomes h."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headstart.encoders.encoder import Encoder
from headstart.errors import UserError, unknown
from headstart.representation.frozen import CHUNK


class _ReachedError(Exception):
    """Ends a forward pass where the rest is not wanted."""

    def __init__(self, value: object) -> None:
        self.value = value


class Cut(Encoder):
    """(n, c, h, w) -> (n, dim), by an encoder as far as one of its layers, or by all of it.

    In inference mode, as when it is frozen, chunks of 64 images pass one after another, which is the same and faster.

    layer: a name of ``named_modules``, of which a leading "stages." may be left out; None is the encoder's h.
    unused: the names of the modules behind the layer, which nothing passes.

    Raises:
        UserError: the encoder has no such layer, or it puts out no tensor.
    """

    def __init__(self, encoder: Encoder, layer: str | None, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.layer = None if layer is None else own_name(encoder, layer)
        self.input_shape, self.map_shape = shape, encoder.map_shape
        encoder.eval()
        parameter = next(encoder.parameters(), torch.zeros(0))
        x = torch.zeros(2, *shape, dtype=parameter.dtype, device=parameter.device)
        with torch.no_grad():
            self.dim = int(self._once(x).shape[1])
            self.unused: list[str] = []
            if layer is not None:
                reached = self._begun(lambda: self._once(x))
                self.unused = [name for name in self._begun(lambda: encoder(x)) if name not in reached]

    def feature_map(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """The whole encoder's."""
        return self.encoder.feature_map(x)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """What the layer puts out, flattened."""
        return self._once(x) if self.training else torch.cat([self._once(part) for part in x.split(CHUNK)])

    def _once(self, x: Tensor) -> Tensor:
        if self.layer is None:
            return self.encoder(x)
        hook = self.encoder.get_submodule(self.layer).register_forward_hook(_stop)
        try:
            self.encoder(x)
        except _ReachedError as reached:
            if not isinstance(reached.value, Tensor):
                raise UserError(f"{self.layer!r} puts out no tensor: name another layer") from None
            return reached.value.flatten(1)
        finally:
            hook.remove()
        raise UserError(f"nothing passes through {self.layer!r} as a whole: name a layer inside it")

    def _begun(self, run: Callable[[], object]) -> list[str]:
        """The modules of the encoder that are called."""
        names: list[str] = []
        hooks = [
            module.register_forward_pre_hook(lambda *_, name=name: names.append(name))
            for name, module in self.encoder.named_modules()
            if name
        ]
        run()
        for hook in hooks:
            hook.remove()
        return names


def _stop(module: nn.Module, given: object, value: object) -> None:
    raise _ReachedError(value)


def own_name(encoder: nn.Module, name: str) -> str:
    """The full name of a part of an encoder, a module or a parameter, whose leading "stages." may be left out.

    Raises:
        UserError: it has no such part.
    """
    known = [part for part in (*dict(encoder.named_modules()), *dict(encoder.named_parameters())) if part]
    for candidate in (name, f"stages.{name}"):
        if candidate in known:
            return candidate
    raise unknown("layer", name, known)
