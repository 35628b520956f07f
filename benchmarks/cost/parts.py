# Copyright (c) aemim_mm contributors. All rights reserved.
"""The parts of a step, run one by one: counted or timed."""

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from aemim_mm.algorithms import AEMIMAlgorithm
from aemim_mm.core import RandomNoise
from aemim_mm.core.dropout import active_dropout

from ..timing import interleave
from ..trainee import Trainee
from .cost_model import STOCK, Parts, StepShape, from_costs

Runs = Mapping[str, Callable[[], Any]]


def shape_of(trainee: Trainee) -> StepShape:
    """Which parts a step has."""
    model = trainee.model
    if not isinstance(model, AEMIMAlgorithm):
        return STOCK
    attack = model.attack
    steps = getattr(attack, 'num_steps', 1)
    rows = model.choose_rows(trainee.batch_size)
    share = 1.0 if rows is None else len(rows) / trainee.batch_size
    return StepShape(
        share=share,
        num_steps=0 if isinstance(attack, RandomNoise) else steps,
        decodes=getattr(attack, 'distance', '') == 'reconstruction',
        recomputes=bool(active_dropout(model.backbone.modules())),
    )


def part_runs(trainee: Trainee) -> Runs:
    """Functions that run the parts; backward passes with their forward ones.

    The model's own modules run, on its own batch. The names are those of
    :func:`from_costs`. Empty where a step does not call its encoder once (MoCo
    v3), and so has not these parts.
    """
    model = trainee.model
    is_aemim = isinstance(model, AEMIMAlgorithm)
    loss = model.stock_loss if is_aemim else model.loss
    inputs, samples = trainee.data['inputs'], trainee.data['data_samples']
    calls = _encoder_calls(model, lambda: loss(inputs, samples))
    if len(calls) != 1:
        return {}
    ((image, args, kwargs, output),) = calls
    output, _ = _leaves(output)  # without its graph
    weights = [p for p in model.parameters() if p.requires_grad]

    def encode(x: Tensor = image) -> list[Tensor]:
        with trainee.autocast():
            return _floating(model.backbone(x, *args, **kwargs))

    def decode(features: Any = output) -> Tensor:
        with (
            patch.object(model.backbone, 'forward', lambda *_, **__: features),
            trainee.autocast(),
        ):
            return model.parse_losses(loss(inputs, samples))[0]

    def encode_backward() -> None:
        maps = encode()
        _grad(maps, weights)

    def encode_pixels() -> None:
        x = _marked(image)
        _frozen(model, lambda: _grad(encode(x), [x]))

    def decode_backward() -> None:
        features, leaves = _leaves(output)
        _grad([decode(features)], [*leaves, *weights])

    def decode_features() -> None:
        features, leaves = _leaves(output)
        _frozen(model, lambda: _grad([decode(features)], leaves))

    return dict(
        encoder=encode,
        encoder_backward=encode_backward,
        encoder_pixels=encode_pixels,
        decoder=decode,
        decoder_backward=decode_backward,
        decoder_features=decode_features,
    )


def count_parts(trainee: Trainee) -> Parts | None:
    """Count the parts' operations with torch's counter.

    Multiplications and additions of matrix products and convolutions count 1
    each. Attention runs as plain matrix products meanwhile: the counter takes
    the fused kernels of CPUs for free. None where a step has not these parts.
    """
    counts = {}
    with sdpa_kernel(SDPBackend.MATH):
        for name, run in part_runs(trainee).items():
            with FlopCounterMode(display=False) as counter:
                run()
            counts[name] = counter.get_total_flops()
    return from_costs(counts) if counts else None


def time_parts(
    trainees: Mapping[str, Trainee],
    rounds: int,
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Parts]:
    """Time the parts of several models, all in turn.

    Seconds, medians of ``rounds``, by the names of the models that have these
    parts; ``tick`` is called after each run.
    """
    runs = {name: part_runs(trainee) for name, trainee in trainees.items()}
    seconds = interleave(
        {
            (name, part): run
            for name, parts in runs.items()
            for part, run in parts.items()
        },
        rounds,
        warmup=0,
        tick=tick,
    )
    return {
        name: from_costs({part: median(seconds[name, part]) for part in parts})
        for name, parts in runs.items()
        if parts
    }


def _encoder_calls(
    model: Any, run: Callable[[], Any]
) -> list[tuple[Tensor, tuple, dict, Any]]:
    """Image, other arguments and output of the encoder's calls."""
    calls = []
    handle = model.backbone.register_forward_hook(
        lambda module, args, kwargs, output: calls.append(
            (args[0], args[1:], kwargs, output)
        ),
        with_kwargs=True,
    )
    try:
        run()
    finally:
        handle.remove()
    return calls


def _frozen(model, run) -> None:
    """Run with parameters that get no gradient, as the attack does."""
    trained = [p for p in model.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        run()
    finally:
        for parameter in trained:
            parameter.requires_grad_()


def _marked(tensor: Tensor) -> Tensor:
    """The values, to be differentiated by.

    No leaf: torch's counter of operations cannot follow the gradient of one
    that a module gets as its input.
    """
    return tensor.detach().requires_grad_().view_as(tensor)


def _grad(outputs: list[Tensor], inputs: list[Tensor]) -> None:
    torch.autograd.grad(
        [output.float().sum() for output in outputs],
        inputs,
        allow_unused=True,
    )


def _floating(output: Any) -> list[Tensor]:
    """The differentiable tensors in an output of the encoder."""
    if isinstance(output, Tensor):
        return [output] if output.requires_grad else []
    if isinstance(output, tuple | list):
        return [tensor for part in output for tensor in _floating(part)]
    return []


def _leaves(output: Any) -> tuple[Any, list[Tensor]]:
    """A copy of an output, cut from its graph, and its trained tensors."""
    if isinstance(output, Tensor):
        if not output.requires_grad:
            return output, []
        leaf = _marked(output)
        return leaf, [leaf]
    if isinstance(output, tuple | list):
        pairs = [_leaves(part) for part in output]
        parts = type(output)(part for part, _ in pairs)
        return parts, [leaf for _, leaves in pairs for leaf in leaves]
    return output, []
