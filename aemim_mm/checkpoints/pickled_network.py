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
    """Takes the place of the classes in such a file.

    The unpickler fills in the attributes of the module that was pickled, of
    any name: no method of an object of this class may be called.
    """


def tensors_of(network: PickledNetwork) -> dict[str, Tensor]:
    """The tensors in such a file, named as ``nn.Module.state_dict()`` does.

    ValueError if there are none.
    """
    found = dict(_named(network, '', set()))
    if not found:
        raise ValueError('the pickled network in it has no parameters')
    return found


def network_globals() -> list[tuple[type, str]]:
    """What the unpickler of ``torch.load`` may then build, by its name."""
    return [(PickledNetwork, name) for name in _CLASSES]


def _named(
    network: PickledNetwork, prefix: str, seen: set[int]
) -> Iterator[tuple[str, Tensor]]:
    if id(network) in seen:
        return
    seen.add(id(network))
    for kind in ('_parameters', '_buffers', '_modules'):
        parts = vars(network).get(kind)
        for name, part in parts.items() if isinstance(parts, dict) else ():
            if isinstance(part, Tensor):
                yield f'{prefix}{name}', part.detach()
            elif isinstance(part, PickledNetwork):
                yield from _named(part, f'{prefix}{name}.', seen)
