# Copyright (c) aemim_mm contributors. All rights reserved.
"""Files as OpenAI published DALL-E's networks: modules, pickled whole."""

import sys
from collections import OrderedDict
from types import ModuleType
from unittest import mock

import torch
from torch import nn


def _class(module, name):
    """An ``nn.Module`` that pickles as if it came from the ``dall_e`` package.

    Its attributes are given; the published classes have such extra ones.
    """

    def init(self, tensors=(), children=()):
        nn.Module.__init__(self)
        self.device, self.requires_grad = torch.device('cpu'), False
        for key, value in dict(tensors).items():
            setattr(self, key, nn.Parameter(value, requires_grad=False))
        for key, value in dict(children).items():
            self.add_module(key, value)

    return type(name, (nn.Module,), dict(__init__=init, __module__=module))


def save_decoder(path, decoder, root='Decoder', root_module='dall_e.decoder'):
    """Write the weights of a ``DALLEDecoder`` as the published file has them.

    Args:
        path (Path): The file.
        decoder (DALLEDecoder): Where the weights are.
        root (str): Name of the outermost class.
        root_module (str): Its module.
    """
    classes = {
        'Conv2d': _class('dall_e.utils', 'Conv2d'),
        'DecoderBlock': _class('dall_e.decoder', 'DecoderBlock'),
        'DALLEDecoder': _class(root_module, root),
    }

    def published(module):
        cls = classes.get(type(module).__name__)
        children = OrderedDict(
            (name, published(child)) for name, child in module.named_children()
        )
        if cls is not None:
            tensors = dict(module.named_parameters(recurse=False))
            return cls({k: v.data for k, v in tensors.items()}, children)
        return nn.Sequential(children) if children else module

    modules = {}
    for cls in classes.values():
        home = modules.setdefault(cls.__module__, ModuleType(cls.__module__))
        setattr(home, cls.__name__, cls)
    modules['dall_e'] = ModuleType('dall_e')
    with mock.patch.dict(sys.modules, modules):
        torch.save(published(decoder), path)
