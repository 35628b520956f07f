# Copyright (c) aemim_mm contributors. All rights reserved.
"""A variant differs from its base by exactly the keys that make it one."""

import pytest
from test_configs.config_tools import IN1K_SUFFIX, OVER_MAE, differences, load

TO_AEMIM = {
    'model.type': ('MAE', 'AEMIMAlgorithm'),
    'model.method': (None, 'MAE'),
    'model.attack.type': (None, 'FeatureDistancePGD'),
    'model.attack.epsilon': (None, 2),
    'model.attack.num_steps': (None, 2),
    'model.adapters.0': (None, 'norm'),
    'model.adv_ratio': (None, 1.0),
    'model.loss_ratio': (None, 0.5),
}
# Where memory counts.
IN_TURN = {'model.sequential_backward': (None, True)}
TO_FAST = {
    'model.attack.num_steps': (2, 1),
    'model.adv_ratio': (1.0, 0.25),
}
TO_800_EPOCHS = {
    'train_cfg.max_epochs': (300, 800),
    'param_scheduler.0.end': (15, 40),
    'param_scheduler.0.start_factor': (1e-4, 1e-9),
    'param_scheduler.1.begin': (15, 40),
    'param_scheduler.1.end': (300, 800),
    'param_scheduler.1.T_max': (285, 760),
}
TO_SMALL = {
    'model.backbone.arch': ('b', 'deit-small'),
    'model.neck.embed_dim': (768, 384),
}
RECIPES = sorted(
    {
        name.split('_', 1)[1]
        for name in OVER_MAE
        # the example for detection has no baseline beside it
        if '/aemim_' in name and 'mini-coco' not in name
    }
)


def test_the_recipes_of_the_paper_and_the_example_are_there():
    assert {
        'vit-small-p16' + IN1K_SUFFIX.format(300),
        'vit-base-p16' + IN1K_SUFFIX.format(300),
        'vit-base-p16' + IN1K_SUFFIX.format(800),
        'vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py',
    } <= set(RECIPES)


@pytest.mark.parametrize('recipe', RECIPES)
def test_aemim_is_mae_plus_the_algorithm(recipe):
    mae, aemim, fast = (
        load(f'pretrain/{algorithm}_{recipe}').to_dict()
        for algorithm in ('mae', 'aemim', 'fast-aemim')
    )
    more = IN_TURN if 'in1k' in recipe else {}
    assert differences(mae, aemim) == {**TO_AEMIM, **more}
    assert differences(aemim, fast) == TO_FAST


@pytest.mark.parametrize('algorithm', ['mae', 'aemim', 'fast-aemim'])
def test_schedules_and_sizes(algorithm):
    def recipe(arch, epochs):
        name = f'pretrain/{algorithm}_vit-{arch}-p16'
        return load(name + IN1K_SUFFIX.format(epochs)).to_dict()

    base = recipe('base', 300)
    assert differences(base, recipe('base', 800)) == TO_800_EPOCHS
    assert differences(base, recipe('small', 300)) == TO_SMALL
