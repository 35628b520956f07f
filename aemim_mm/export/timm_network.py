# Copyright (c) aemim_mm contributors. All rights reserved.
"""What tells a network of timm from mmpretrain's of the same architecture."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Rule(NamedTuple):
    """How a tensor goes over to timm."""

    pattern: str  # of the whole key in mmpretrain
    # the key in timm: a template for re, a function of the match, or None if
    # timm has no such tensor
    name: str | Callable[[re.Match], str] | None
    # the new values, those of the last dimension in another order. None: the
    # old ones.
    change: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class TimmNetwork:
    """An architecture in timm."""

    rules: tuple[Rule, ...]  # the first whose pattern is the whole key counts
    head: str  # the prefix of the classifier's keys
    # from the architecture to the name of the nearest model for
    # timm.create_model and what differs from it; a ValueError if timm cannot
    # build that network
    arguments: Callable[[Any], tuple[str, dict[str, Any]]]

    def rename(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give each tensor of an encoder its name and order in timm.

        ValueError if no rule knows a key.
        """
        renamed = {}
        for key, value in weights.items():
            name, change = self.counterpart(key)
            if name:
                renamed[name] = change(value) if change else value
        return renamed

    def restore(
        self, weights: Mapping[str, Tensor], keys: Iterable[str]
    ) -> dict[str, Tensor]:
        """The inverse of ``rename``, as far as timm's tensors are there.

        ``keys`` are those that mmpretrain's network may have. ValueError if no
        rule knows one.
        """
        restored = {}
        for key in keys:
            name, change = self.counterpart(key)
            if name is not None and name in weights:
                value = weights[name]
                if change:
                    # It puts the last dimension in another order.
                    order = change(torch.arange(value.shape[-1]))
                    value = value[..., order.argsort()]
                restored[key] = value
        return restored

    def counterpart(
        self, key: str
    ) -> tuple[str | None, Callable[[Tensor], Tensor] | None]:
        """Name in timm, and change of the values, of a key of mmpretrain.

        None where timm has no such tensor, or the values stay. ValueError if
        no rule knows the key.
        """
        for rule in self.rules:
            match = re.fullmatch(rule.pattern, key)
            if match is None:
                continue
            name = rule.name
            if name is None:
                return None, None
            new = name(match) if callable(name) else match.expand(name)
            return new, rule.change
        raise ValueError(
            f'the key {key!r} of the encoder has no counterpart in timm: this '
            'is not the plain architecture. Export with --to mmpretrain'
        )
