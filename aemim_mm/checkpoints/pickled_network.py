# Copyright (c) aemim_mm contributors. All rights reserved.
"""The weights in a network that was pickled whole, as DALL-E's files are."""

from collections.abc import Iterator

from torch import Tensor

# What OpenAI's encoder.pkl and decoder.pkl are made of.
_CLASSES = (
    'dall_e.encoder.Encoder',
    'dall_e.encoder.EncoderBlock',
    'dall_e.decoder.Decoder',
    'dall_e.decoder.DecoderBlock',
    'dall_e.utils.Conv2d',
    'torch.nn.modules.activation.ReLU',
    'torch.nn.modules.container.Sequential',
    'torch.nn.modules.linear.Identity',
    'torch.nn.modules.pooling.MaxPool2d',
    'torch.nn.modules.upsampling.Upsample',
)


class PickledNetwork:
    """Takes the place of the classes in such a file, and has no code to run.

    The unpickler fills in the attributes of the module that was pickled.
    """

    def state_dict(self) -> dict[str, Tensor]:
        """The tensors by the names that ``nn.Module.state_dict()`` gives."""
        return dict(self._named(''))

    def _named(self, prefix: str) -> Iterator[tuple[str, Tensor]]:
        for kind in ('_parameters', '_buffers'):
            for name, tensor in vars(self).get(kind, {}).items():
                if isinstance(tensor, Tensor):
                    yield prefix + name, tensor.detach()
        for name, child in vars(self).get('_modules', {}).items():
            if isinstance(child, PickledNetwork):
                yield from child._named(f'{prefix}{name}.')


def network_globals() -> list[tuple[type, str]]:
    """What the unpickler of ``torch.load`` may then build, by its name."""
    return [(PickledNetwork, name) for name in _CLASSES]
