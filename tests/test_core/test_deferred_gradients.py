# Copyright (c) aemim_mm contributors. All rights reserved.
import copy
import weakref

import pytest
import torch
from torch import nn

from aemim_mm.core.deferred_gradients import (
    FIRST_SCALE,
    DeferredGradients,
    _apart,
)


def network():
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))


def losses(model, x):
    out = model(x)
    return dict(
        loss_one=out.square(),  # no scalar: its mean counts
        loss_more=[out.mean(), out[:, 0].exp().mean()],
        accuracy=out.detach().sum(),
    )


def handed_over(values, parameters, deferred=None):
    """Taken and given at once."""
    deferred = deferred or DeferredGradients()
    return deferred.give(*deferred.take(values, parameters))


def total(values):
    return values['loss_one'].mean() + sum(values['loss_more'])


def test_gradients_times_the_factor_and_no_graph():
    model, x = network(), torch.randn(5, 4)
    expected = torch.autograd.grad(
        total(losses(model, x)), list(model.parameters())
    )
    before = losses(model, x)
    taken = handed_over(before, model.parameters())
    assert all(p.grad is None for p in model.parameters())
    assert taken.keys() == before.keys()
    torch.testing.assert_close(taken['loss_one'], before['loss_one'])
    torch.testing.assert_close(taken['loss_more'], before['loss_more'])
    assert taken['accuracy'] == before['accuracy']
    # Only one value leads back.
    assert not any(v.requires_grad for v in taken['loss_more'])
    (0.3 * total(taken)).backward()
    for parameter, grad in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, 0.3 * grad)


def test_a_loss_may_be_one_tensor():
    model, x = network(), torch.randn(5, 4)
    expected = torch.autograd.grad(
        model(x).square().mean(), list(model.parameters())
    )
    (2 * handed_over(model(x).square().mean(), model.parameters())).backward()
    for parameter, grad in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, 2 * grad)


def test_a_list_may_come_first():
    model, x = network(), torch.randn(5, 4)
    values = dict(loss_more=losses(model, x)['loss_more'])
    expected = torch.autograd.grad(
        sum(losses(model, x)['loss_more']), list(model.parameters())
    )
    given = handed_over(values, model.parameters())
    torch.testing.assert_close(given, values)
    sum(given['loss_more']).backward()
    for parameter, grad in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, grad)


def test_they_add_to_what_a_further_pass_gives():
    model, x = network(), torch.randn(5, 4)
    calls = []
    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(lambda p: calls.append(1))
    taken = handed_over(losses(model, x), model.parameters())
    assert not calls
    (total(taken) + total(losses(model, x))).backward()
    assert len(calls) == 4  # once each: what DDP counts
    actual = [p.grad.clone() for p in model.parameters()]
    expected = torch.autograd.grad(
        2 * total(losses(model, x)), list(model.parameters())
    )
    torch.testing.assert_close(actual, list(expected))


def test_only_once():
    model, x = network(), torch.randn(5, 4)
    taken = handed_over(losses(model, x), model.parameters())
    total(taken).backward(retain_graph=True)
    with pytest.raises(RuntimeError, match='sequential_backward=False'):
        total(taken).backward()


def test_the_graph_is_freed():
    model, x = network(), torch.randn(5, 4)
    alive = weakref.WeakSet()

    class Saved:
        def __init__(self, tensor):
            self.tensor = tensor
            alive.add(self)

    with torch.autograd.graph.saved_tensors_hooks(Saved, lambda s: s.tensor):
        values = losses(model, x)
        assert len(alive) > 3
        DeferredGradients().take(values, model.parameters())
        assert len(alive) == 0


def test_parameters_without_gradient():
    model, x = network(), torch.randn(5, 4)
    frozen, unused = model[0].bias.requires_grad_(False), nn.Parameter(x)
    taken = handed_over(losses(model, x), [*model.parameters(), unused])
    total(taken).backward()
    assert frozen.grad is None and unused.grad is None
    assert model[0].weight.grad is not None


def test_parameters_that_share_a_gradient():
    """autograd gives both the same tensor."""
    first, second = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    values = dict(loss=(first + second).square().sum())
    taken = handed_over(values, [first, second])
    (0.5 * taken['loss']).backward()
    assert first.grad.tolist() == second.grad.tolist() == [2, 2, 2]


def test_gradients_that_are_one_number():
    """The gradient of a sum is an expanded scalar."""
    first, second = nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(3))
    values = dict(loss=first.sum() + second.sum())
    taken = handed_over(values, [first, second])
    (0.5 * taken['loss']).backward()
    assert (first.grad == 0.5).all() and (second.grad == 0.5).all()


def test_gradients_are_copied_only_where_memory_is_shared():
    own, shared = torch.ones(3), torch.ones(3, 2).t()
    apart = _apart([own, shared, shared, torch.ones(1).expand(3)])
    assert apart[0] is own and apart[1] is shared and apart[2] is not shared
    assert apart[2].is_contiguous() and apart[3].stride() == (1,)


def test_parts_of_one_gradient():
    first, second = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    values = dict(loss=torch.cat([first, second]).square().sum())
    taken = handed_over(values, [first, second])
    (0.5 * taken['loss']).backward()
    assert first.grad.tolist() == second.grad.tolist() == [1, 1]


def test_without_gradients_nothing_happens():
    model, x = network(), torch.randn(5, 4)
    with torch.no_grad():
        values = losses(model, x)
        assert handed_over(values, model.parameters()) is values


def small(model, x):
    """A loss whose gradients vanish in fp16: about 1e-9."""
    with torch.autocast('cpu', torch.float16):
        return dict(loss=model(x).float().square().sum() * 1e-8)


@pytest.mark.parametrize('scale', [2.0**16, 2.0**20])
def test_fp16_gradients_do_not_vanish(scale):
    model, x = network(), torch.randn(5, 4)
    expected = torch.autograd.grad(
        model(x).square().sum() * 1e-8, list(model.parameters())
    )
    deferred = DeferredGradients()
    for _ in range(2):  # from the second step on, the scale is known
        model.zero_grad()
        with torch.autocast('cpu', torch.float16):
            values = small(model, x)
            taken = handed_over(values, model.parameters(), deferred)
        (taken['loss'] * scale).backward()
        for parameter, grad in zip(model.parameters(), expected, strict=True):
            torch.testing.assert_close(
                parameter.grad / scale, grad, rtol=0.02, atol=1e-11
            )


def test_the_scale_is_the_last_usable_one():
    deferred, weight = DeferredGradients(), nn.Parameter(torch.ones(2))

    def scale():
        _, stored = deferred.take(weight.sum(), [weight])
        return float(stored.factor)

    assert scale() == 1  # in float32
    with torch.autocast('cpu', torch.float16):
        assert scale() == FIRST_SCALE
        deferred.remember(torch.tensor(float('inf')))
        assert scale() == FIRST_SCALE
        for factor in (0.5, 0, float('inf'), float('nan'), -1):
            deferred.remember(torch.tensor(factor))
            assert scale() == 0.5


def test_stored_gradients_arrive_before_those_of_a_later_pass():
    """So that DDP can send a bucket while others are being computed."""
    model, x, order = network(), torch.randn(5, 4), []
    for name, parameter in model.named_parameters():
        parameter.register_post_accumulate_grad_hook(
            lambda p, name=name: order.append(name)
        )
    model[1].register_full_backward_hook(lambda *args: order.append('tanh'))
    deferred = DeferredGradients()
    values, taken = deferred.take(losses(model, x), model.parameters())
    order.clear()
    later = total(losses(model, x))
    (total(deferred.give(values, taken)) + later).backward()
    # The last layer's are whole before the first layer's are computed.
    assert order.index('2.weight') < order.index('tanh')
    assert order.index('tanh') < order.index('0.weight')


def test_a_weight_of_zero_gives_zeros():
    model, x = network(), torch.randn(5, 4)
    deferred = DeferredGradients()
    for _ in range(2):
        model.zero_grad()
        values = dict(loss=model(x).square().sum())
        given = handed_over(values, model.parameters(), deferred)
        (0.0 * given['loss']).backward()
        for parameter in model.parameters():
            assert not parameter.grad.any()


def test_infinite_gradients_stay_infinite():
    model, x = network(), 1e4 * torch.ones(5, 4)
    with torch.no_grad():
        model[0].weight.fill_(1e-4)
    with torch.autocast('cpu', torch.float16):
        values = dict(loss=model(x).float().square().sum() * 1e6)
        taken = handed_over(values, model.parameters())
    (taken['loss'] * 2.0**16).backward()
    assert not model[2].weight.grad.isfinite().all()


def test_copies_are_independent():
    deferred = DeferredGradients()
    deferred.remember(torch.tensor(2.0))
    twin = copy.deepcopy(deferred)
    twin.remember(torch.tensor(4.0))
    assert deferred._factor == 2
