# Copyright (c) aemim_mm contributors. All rights reserved.
"""A resumed run has the learning rates of an uninterrupted one."""

import copy

import pytest
import torch
from mmengine.hooks import Hook

from aemim_mm.hooks import NewScheduleHook

SETTINGS = ('lr', 'weight_decay', 'betas', 'momentum', 'eps')


class Watch(Hook):
    """Keep all settings of the optimizer, by iteration and epoch."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.seen = {}

    def before_train_iter(self, runner, **kwargs):
        wrapper = runner.optim_wrapper
        self.seen[runner.iter, runner.epoch] = [
            {key: group[key] for key in SETTINGS if key in group}
            for group in wrapper.param_groups
        ]


class Moments(Hook):
    """Keep the optimizer's state as it is when training begins."""

    def before_train(self, runner):
        state = runner.optim_wrapper.optimizer.state_dict()['state']
        self.state = copy.deepcopy(state)


def recipe(epochs=4, warmup=1):
    """Warm-up, then cosine, both by iteration, as in our recipes."""
    return [
        dict(
            type='LinearLR',
            start_factor=1e-3,
            by_epoch=True,
            begin=0,
            end=warmup,
            convert_to_iter_based=True,
        ),
        dict(
            type='CosineAnnealingLR',
            eta_min=1e-6,
            T_max=epochs - warmup,
            by_epoch=True,
            begin=warmup,
            end=epochs,
            convert_to_iter_based=True,
        ),
    ]


def epochs(number):
    return dict(by_epoch=True, max_epochs=number)


def iterations(number):
    return dict(by_epoch=False, max_iters=number, val_interval=100)


def adam(lr=0.01, weight_decay=0.05, **options):
    settings = dict(lr=lr, weight_decay=weight_decay, **options)
    return dict(optimizer=dict(type='AdamW', **settings))


def loader(batch_size, sampler='DefaultSampler'):
    return dict(
        batch_size=batch_size,
        dataset=dict(type='LineData'),
        sampler=dict(type=sampler, shuffle=False),
        collate_fn=dict(type='default_collate'),
    )


# Groups with learning rates of their own, one per weight, as in fine-tuning.
LAYERS = dict(
    custom_keys={
        'backbone.fc': dict(lr_mult=0.3, decay_mult=0.0),
        'head': dict(lr_mult=0.7),
    }
)
OLD = dict(train_cfg=epochs(2), param_scheduler=recipe(2))
BY_EPOCH = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=3),
    dict(type='MultiStepLR', milestones=[3, 4], gamma=0.1, by_epoch=True),
]
POLY = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=3),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=3, end=12),
    dict(
        type='CosineAnnealingMomentum',
        eta_min=0.5,
        by_epoch=False,
        begin=0,
        end=12,
    ),
]
CASES = {
    'longer': (OLD, dict(train_cfg=epochs(4), param_scheduler=recipe(4))),
    'longer warm-up than the old run': (
        OLD,
        dict(train_cfg=epochs(5), param_scheduler=recipe(5, warmup=3)),
    ),
    'other learning rate and decay': (
        OLD,
        dict(
            train_cfg=epochs(3),
            param_scheduler=recipe(3),
            optim_wrapper=adam(0.05, weight_decay=0.2, betas=(0.8, 0.9)),
        ),
    ),
    'half the batch': (
        OLD,
        dict(
            train_cfg=epochs(4),
            param_scheduler=recipe(4),
            train_dataloader=loader(1),
        ),
    ),
    'twice the batch, scaled': (
        OLD,
        dict(
            train_cfg=epochs(4),
            param_scheduler=recipe(4),
            train_dataloader=loader(4),
            auto_scale_lr=dict(enable=True, base_batch_size=2),
        ),
    ),
    'groups of layers': (
        {**OLD, 'optim_wrapper': dict(**adam(), paramwise_cfg=LAYERS)},
        dict(
            train_cfg=epochs(4),
            param_scheduler=recipe(4),
            optim_wrapper=dict(
                **adam(0.03),
                paramwise_cfg=dict(
                    custom_keys={'backbone.fc': dict(lr_mult=0.5)}
                ),
            ),
        ),
    ),
    'by epoch': (OLD, dict(train_cfg=epochs(5), param_scheduler=BY_EPOCH)),
    'both kinds': (
        OLD,
        dict(
            train_cfg=epochs(5),
            param_scheduler=[
                recipe(2)[0],
                dict(type='ExponentialLR', gamma=0.5, by_epoch=True, begin=1),
            ],
        ),
    ),
    'a schedule where there was none': (
        dict(train_cfg=epochs(2), param_scheduler=None),
        dict(train_cfg=epochs(4), param_scheduler=recipe(4)),
    ),
    'iterations': (
        dict(
            train_cfg=iterations(5),
            param_scheduler=POLY[:1],
            train_dataloader=loader(2, 'InfiniteSampler'),
        ),
        dict(
            train_cfg=iterations(12),
            train_dataloader=loader(2, 'InfiniteSampler'),
            param_scheduler=POLY,
            optim_wrapper=adam(0.02),
        ),
    ),
}


def train(runner, *hooks):
    for hook in hooks:
        runner.register_hook(hook, hook.priority)
    runner.train()


def last_of(cfg):
    """The last checkpoint of a run, and how it is saved."""
    train_cfg = cfg['train_cfg']
    by_epoch = train_cfg['by_epoch']
    name = 'epoch' if by_epoch else 'iter'
    number = train_cfg['max_epochs' if by_epoch else 'max_iters']
    hook = dict(type='CheckpointHook', interval=1, by_epoch=by_epoch)
    return f'{name}_{number}.pth', hook


@pytest.mark.filterwarnings('error:Detected call')
@pytest.mark.parametrize('old, new', CASES.values(), ids=CASES)
def test_settings_equal_those_of_an_uninterrupted_run(
    make_runner,
    tmp_path,
    old,
    new,
):
    name, saving = last_of(old)
    make_runner(tmp_path / 'old', checkpoint=saving, **old).train()
    whole, resumed, moments = Watch(), Watch(), Moments()
    train(make_runner(tmp_path / 'new', checkpoint=saving, **new), whole)
    checkpoint = tmp_path / 'old' / name
    runner = make_runner(
        tmp_path / 'longer',
        checkpoint=saving,
        resume=True,
        load_from=str(checkpoint),
        **new,
    )
    train(runner, NewScheduleHook(), resumed, moments)

    first = min(resumed.seen)
    expected = {at: each for at, each in whole.seen.items() if at >= first}
    assert resumed.seen == expected
    assert len(expected) > 1
    # Not because nothing changes.
    assert len({str(each) for each in expected.values()}) > 1
    # The moments are those of the checkpoint.
    stored = torch.load(checkpoint, weights_only=False)['optimizer']['state']
    assert moments.state.keys() == stored.keys()
    for index, state in stored.items():
        for key, value in state.items():
            assert torch.equal(moments.state[index][key], value)


def test_it_goes_on_where_the_run_was(make_runner, tmp_path):
    make_runner(tmp_path / 'a', **OLD).train()
    watch = Watch()
    runner = make_runner(
        tmp_path / 'b',
        resume=True,
        load_from=str(tmp_path / 'a/epoch_1.pth'),
        train_cfg=epochs(3),
        param_scheduler=recipe(3),
        train_dataloader=loader(1),
    )
    train(runner, NewScheduleHook(), watch)
    # Epochs have 8 iterations now, and the first is finished.
    assert min(watch.seen) == (8, 1) and max(watch.seen) == (23, 2)


def test_other_groups_are_refused(make_runner, tmp_path):
    make_runner(tmp_path / 'a', **OLD).train()
    runner = make_runner(
        tmp_path / 'b',
        resume=True,
        load_from=str(tmp_path / 'a/epoch_2.pth'),
        train_cfg=epochs(3),
        optim_wrapper=dict(**adam(), paramwise_cfg=LAYERS),
    )
    with pytest.raises(ValueError, match='has 1 groups of weights.*has 6'):
        train(runner, NewScheduleHook())
