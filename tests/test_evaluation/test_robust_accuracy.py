# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from attack_toys import (
    WEIGHT,
    batches_of,
    foolbox,
    foolbox_model,
    linear,
    linear_task,
    small_classifier,
    small_images,
)
from torch import nn

from aemim_mm.attacks import FGSMAttack, PGDAttack
from aemim_mm.evaluation import PixelClassifier, robust_accuracy

BUDGETS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.1, 0.3]
EPSILONS = [0, 0.003, 0.015, 0.05]
# The image with budget 0.02 has the wrong label.
EXPECTED = torch.tensor(
    [
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [0, 0, 0, 0],
        [1, 1, 1, 0],
        [1, 1, 1, 1],
        [1, 1, 1, 1],
    ],
    dtype=torch.bool,
)


@pytest.mark.parametrize('attack', [FGSMAttack(), PGDAttack()])
@pytest.mark.parametrize('size', [3, 7])
def test_a_linear_classifier_by_hand(attack, size):
    """In any order, the last batch shorter."""
    x, y = linear_task(BUDGETS, wrong=(3,))
    order = [6, 2, 4, 0, 1, 3, 5]
    result = robust_accuracy(
        linear, batches_of(x, y, size, order), attack, EPSILONS
    )
    assert result.epsilons == tuple(EPSILONS)
    assert result.indices.tolist() == list(range(7))
    assert torch.equal(result.correct, EXPECTED)
    assert result.top1() == pytest.approx([600 / 7, 500 / 7, 300 / 7, 200 / 7])
    assert result.of(1) == [True, True, False, False]
    with pytest.raises(KeyError, match='index 7'):
        result.of(7)


@pytest.mark.parametrize('skip', [True, False])
def test_images_that_are_wrong_anyway(skip):
    """An attack that sets right what was wrong, or is not asked."""
    x, y = linear_task([0.02, 0.05, 0.05], wrong=(0,))
    asked = []

    def flip(model, images, labels, epsilon, indices):
        asked.extend(indices.tolist())
        direction = WEIGHT.sign().view(1, 1, 2, 2)
        signs = 2.0 * model(images).argmax(dim=1) - 1
        return images - epsilon * signs.view(-1, 1, 1, 1) * direction

    result = robust_accuracy(
        linear, batches_of(x, y, 2), flip, [0, 0.03], skip
    )
    assert result.correct[:, 0].tolist() == [False, True, True]
    assert result.correct[:, 1].tolist() == [not skip, True, True]
    assert asked == ([1, 2] if skip else [0, 1, 2])


def test_no_attack_on_a_batch_that_is_wrong():
    x, y = linear_task([0.02, 0.05], wrong=(0, 1))
    result = robust_accuracy(
        linear, batches_of(x, y, 1), FGSMAttack(), [0.01], True
    )
    assert result.top1() == [0]


def test_clean_accuracy_needs_no_attack():
    x, y = linear_task([0.02, 0.05], wrong=(0,))

    def never(*_):
        raise AssertionError('called at a budget of 0')

    assert robust_accuracy(linear, batches_of(x, y, 2), never, [0]).top1() == [
        50
    ]


def test_low_precision_does_not_fake_robustness():
    """bfloat16 rounds what an attack adds to nothing."""
    head = nn.Linear(4, 2, bias=False)
    # WEIGHT adds up to 0: the base of the images does not matter.
    head.weight.data = 160 * torch.stack([-WEIGHT, WEIGHT])
    net = nn.Sequential(nn.Flatten(), head)
    model = PixelClassifier(net, mean=[0], std=[0.25])
    x, y = linear_task([0.004] * 8)
    # Normalised this is 3.59375, where bfloat16 goes in steps of 1 / 64.
    x = x - 0.5 + 0.8984375
    # Confident: the true class has a probability of 1 - 1e-9.
    assert model(x).diff().abs().min() > 20
    with torch.autocast('cpu', dtype=torch.bfloat16), torch.no_grad():
        for attack in (FGSMAttack(), PGDAttack()):
            result = robust_accuracy(
                model, batches_of(x, y, 8), attack, [0, 0.005]
            )
            assert result.top1() == [100, 0]
        # The trap is there: the same examples, judged by the bare network.
        x_adv = PGDAttack()(model, x, y, 0.005, torch.arange(8))
        fooled = net(4 * x_adv).argmax(dim=1) != y
        assert net(4 * x).argmax(dim=1).equal(y) and not fooled.all()


@pytest.mark.parametrize('mode', [torch.no_grad, torch.inference_mode])
def test_works_where_gradients_are_off(mode):
    x, y = linear_task(BUDGETS, wrong=(3,))
    with mode():
        result = robust_accuracy(
            linear, batches_of(x + 0, y + 0, 3), PGDAttack(), EPSILONS
        )
    assert torch.equal(result.correct, EXPECTED)


def test_an_attack_of_another_package():
    LinfPGD = foolbox().attacks.LinfPGD

    def attack(model, images, labels, epsilon, indices):
        pgd = LinfPGD(rel_stepsize=0.25, steps=20, random_start=False)
        return pgd.run(foolbox_model(model), images, labels, epsilon=epsilon)

    model = small_classifier()
    x, y = small_images(8)
    epsilons = [0, 1 / 255, 2 / 255, 4 / 255]
    theirs = robust_accuracy(model, batches_of(x, y, 3), attack, epsilons)
    ours = robust_accuracy(
        model, batches_of(x, y, 3), PGDAttack(random_start=False), epsilons
    )
    assert torch.equal(theirs.correct, ours.correct)
    assert len(set(ours.top1())) > 2


def test_bad_arguments():
    x, y = linear_task(BUDGETS)
    for epsilons in ([], [0, 2], [-0.1], [float('nan')]):
        with pytest.raises(ValueError, match='a budget of 2/255 is 2/255'):
            robust_accuracy(
                linear, batches_of(x, y, 2), FGSMAttack(), epsilons
            )
    with pytest.raises(ValueError, match='no images'):
        robust_accuracy(linear, [], FGSMAttack(), [0])
    with pytest.raises(ValueError, match=r'pixels must be in \[0, 1\]'):
        robust_accuracy(linear, batches_of(255 * x, y, 2), FGSMAttack(), [0])
