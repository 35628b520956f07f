# Copyright (c) aemim_mm contributors. All rights reserved.
"""Weights that are random, and weights that are the same; torch alone."""

import torch


def randomised(module, scale=0.2, vectors=0.5, seed=0):
    """Let parameters be ``scale`` times noise, vectors around ``vectors``."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(scale * noise + (parameter.ndim == 1) * vectors)
    return module


def assert_equal_states(found, expected):
    """The same names and bits; a module stands for its ``state_dict()``."""
    if isinstance(found, torch.nn.Module):
        found = found.state_dict()
    if isinstance(expected, torch.nn.Module):
        expected = expected.state_dict()
    assert found.keys() == expected.keys() and expected
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
