# Copyright (c) aemim_mm contributors. All rights reserved.
"""What tells a network of timm from mmpretrain's of the same architecture."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor


class Rule(NamedTuple):
    """How a tensor goes over to timm.

    Args:
        pattern (str): Of the whole key in mmpretrain.
        name (str | Callable | None): The key in timm: a template for re, a
            function of the match, or None if timm has no such tensor.
        change (Callable, optional): The new values. Defaults to None, the
            old ones.
    """

    pattern: str
    name: str | Callable[[re.Match], str] | None
    change: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class TimmNetwork:
    """An architecture in timm.

    Args:
        rules (tuple[Rule, ...]): The first whose pattern is the whole key
            counts.
        head (str): The prefix of the classifier's keys.
        arguments (Callable): From the architecture to the name of the nearest
            model for ``timm.create_model`` and what differs from it; raises a
            ValueError if timm cannot build that network.
    """

    rules: tuple[Rule, ...]
    head: str
    arguments: Callable[[Any], tuple[str, dict[str, Any]]]

    def rename(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give each tensor of an encoder its name and order in timm.

        Args:
            weights (Mapping[str, Tensor]): By mmpretrain's keys.

        Returns:
            dict[str, Tensor]: By timm's keys.

        Raises:
            ValueError: If no rule knows a key.
        """
        renamed = {}
        for key, value in weights.items():
            for rule in self.rules:
                match = re.fullmatch(rule.pattern, key)
                if match:
                    break
            else:
                raise ValueError(
                    f'the key {key!r} of the encoder has no counterpart in '
                    'timm: this is not the plain architecture. Export with '
                    '--to mmpretrain'
                )
            if rule.name:
                name = rule.name
                new = name(match) if callable(name) else match.expand(name)
                renamed[new] = rule.change(value) if rule.change else value
        return renamed
