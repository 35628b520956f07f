# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from attack_toys import small_classifier, small_images

from aemim_mm.attacks import FGSMAttack, PGDAttack, fgsm, image_noise, pgd

INDICES = torch.tensor([4, 0, 2, 9, 7, 5])


def test_fgsm():
    model = small_classifier()
    x, y = small_images()
    x_adv = FGSMAttack()(model, x, y, 0.01, INDICES)
    assert torch.equal(x_adv, fgsm(model, x, y, 0.01))


def test_pgd_starts_at_the_images_noise():
    model = small_classifier()
    x, y = small_images()
    x_adv = PGDAttack(seed=3)(model, x, y, 0.01, INDICES)
    noise = image_noise(3, INDICES, (3, 8, 8))
    assert torch.equal(x_adv, pgd(model, x, y, 0.01, noise=noise))
    other = PGDAttack(seed=4)(model, x, y, 0.01, INDICES)
    assert not torch.equal(x_adv, other)


def test_options_of_pgd():
    model = small_classifier()
    x, y = small_images()
    attack = PGDAttack(num_steps=3, relative_step=0.1, random_start=False)
    expected = pgd(
        model, x, y, 0.01, num_steps=3, step_size=0.001, random_start=False
    )
    assert torch.equal(attack(model, x, y, 0.01, INDICES), expected)
    # A budget per image has a step per image.
    budgets = torch.full((6,), 0.01)
    torch.testing.assert_close(
        attack(model, x, y, budgets, INDICES), expected, atol=1e-6, rtol=0
    )


@pytest.mark.parametrize('size', [1, 2, 4])
def test_batch_and_order_do_not_matter(size):
    model = small_classifier()
    x, y = small_images()
    # Few steps: the start is not forgotten.
    attack = PGDAttack(num_steps=3)
    together = attack(model, x, y, 4 / 255, torch.arange(6))
    order = torch.tensor([5, 3, 1, 0, 2, 4])
    for rows in order.split(size):
        x_adv = attack(model, x[rows], y[rows], 4 / 255, rows)
        torch.testing.assert_close(x_adv, together[rows], atol=1e-6, rtol=0)
