# Copyright (c) aemim_mm contributors. All rights reserved.
"""SimMIM with Swin-B and AEMIM over it: the recipes of Table 9."""

import pytest
import torch
from mmcv.cnn.bricks import DropPath
from mmengine.hub import get_config
from test_configs.config_tools import (
    build_full_size,
    check_twins,
    differences,
    header,
    load,
)

SUFFIX = '8xb256-amp-coslr-100e_in1k-192px.py'
SIMMIM = f'simmim_swin-base-w6_{SUFFIX}'
AEMIM = f'aemim-simmim_swin-base-w6_steps1_{SUFFIX}'
# Differences from mmpretrain's recipe, each with its reason; exact.
OURS = {
    # The official SimMIM has no drop path; mmpretrain's class defaults to 0.1.
    'model.backbone.drop_path_rate',
    # Nor does it decay the mask token; the tables it does.
    'optim_wrapper.paramwise_cfg.custom_keys.mask_token.decay_mult',
    'optim_wrapper.paramwise_cfg.custom_keys.'
    'relative_position_bias_table.decay_mult',
    # Its cosine spans all epochs, of which the warm-up replaces the first.
    'param_scheduler.1.type',
    'param_scheduler.1.T_max',
    # It leaves the last, incomplete batch out.
    'train_dataloader.drop_last',
    # It crops by Pillow: antialiased, and with no EXIF data regarded.
    *(
        f'{pipeline}.{key}'
        for pipeline in ('train_pipeline', 'train_dataloader.dataset.pipeline')
        for key in (
            '0.color_type',
            '1.type',
            '1.backend',
            '1.interpolation',
        )
    ),
    # AmpOptimWrapper's default, written out.
    'optim_wrapper.loss_scale',
    # The package registers its classes.
    'custom_imports.imports.0',
    'custom_imports.allow_failed_imports',
    # A kill while writing leaves the previous checkpoint; one in each epoch,
    # where stock writes one in ten.
    'default_hooks.checkpoint.type',
    'default_hooks.checkpoint.interval',
    # Exact resume, non-finite losses, misfitting checkpoints, the recipe in
    # the log.
    'custom_hooks.0.type',
    'custom_hooks.1.type',
    'custom_hooks.2.type',
    'custom_hooks.3.type',
    'custom_hooks.4.type',
    # Few kernels update the weights: the same values up to rounding.
    'optim_wrapper.optimizer.fused',
    'optim_wrapper.optimizer.type',
    # Losses, recon_* and distance_* are logged as means over the interval.
    'log_processor.mean_pattern',
    # A seed, and another random stream on every rank.
    'randomness.seed',
    'randomness.diff_rank_seed',
    # A damaged image is logged and replaced; stock ends the run.
    'train_pipeline.0.type',
    'train_dataloader.dataset.pipeline.0.type',
    # Exact resume needs workers that are seeded for each epoch.
    'train_dataloader.persistent_workers',
    'train_dataloader.worker_init_fn.type',
}
TO_AEMIM = {
    'model.type': ('SimMIM', 'AEMIMAlgorithm'),
    'model.method': (None, 'SimMIM'),
    'model.attack.type': (None, 'FeatureDistancePGD'),
    'model.attack.epsilon': (None, 2),
    'model.attack.num_steps': (None, 1),
    'model.adapters.0': (None, 'norm'),
    'model.adv_ratio': (None, 1.0),
    'model.loss_ratio': (None, 0.5),
}
DEPTHS = (2, 2, 18, 2)


@pytest.fixture(scope='module')
def aemim():
    return build_full_size(load(f'pretrain/{AEMIM}'))


def test_simmim_differs_from_stock_as_listed():
    stock = get_config(
        f'mmpretrain::simmim/simmim_swin-base-w6_{SUFFIX}'
    ).to_dict()
    ours = load(f'pretrain/{SIMMIM}').to_dict()
    found = differences(stock, ours)
    ours_alone = {key for key in found if key.startswith('test_')}
    assert set(found) - ours_alone == OURS
    assert found['model.backbone.drop_path_rate'] == (None, 0.0)
    assert found['optim_wrapper.loss_scale'] == (None, 'dynamic')


def test_aemim_is_simmim_plus_the_algorithm():
    simmim, aemim = (
        load(f'pretrain/{name}').to_dict() for name in (SIMMIM, AEMIM)
    )
    assert differences(simmim, aemim) == TO_AEMIM


@pytest.mark.parametrize('name, accuracy', [(SIMMIM, 83.5), (AEMIM, 83.7)])
def test_header_gives_the_paper_s_number(name, accuracy):
    doc = header(f'pretrain/{name}')
    assert f'100": {accuracy} % top-1' in doc and 'Table 9' in doc


def test_every_norm_of_swin_has_its_twin(aemim):
    names = {'backbone.patch_embed.norm', 'backbone.norm3'}
    for stage, depth in enumerate(DEPTHS):
        for block in range(depth):
            for norm in ('norm1', 'norm2'):
                names.add(f'backbone.stages.{stage}.blocks.{block}.{norm}')
        if stage < 3:
            names.add(f'backbone.stages.{stage}.downsample.norm')
    # Two in each of 24 blocks, three downsamplings, patches and final.
    assert len(names) == 2 * 24 + 3 + 1 + 1
    # That is every norm there is.
    assert names == {
        name
        for name, module in aemim.named_modules()
        if isinstance(module, torch.nn.LayerNorm)
        and not name.startswith('adv.')
    }
    expected = {
        f'adv.{n}.{part}' for n in names for part in ('weight', 'bias')
    }
    found = {n for n, _ in aemim.named_parameters() if n.startswith('adv.')}
    assert found == expected


def test_nothing_is_dropped_at_random(aemim):
    probabilities = [
        module.drop_prob
        for module in aemim.modules()
        if isinstance(module, DropPath)
    ]
    assert not any(probabilities)
    # The class has it, or this would test nothing.
    cfg = load(f'pretrain/{AEMIM}')
    del cfg.model.backbone.drop_path_rate
    modules = list(build_full_size(cfg).modules())
    assert any(isinstance(m, DropPath) and m.drop_prob > 0 for m in modules)


def test_twins_are_optimised_as_their_clean_parameters(aemim):
    cfg = load(f'pretrain/{AEMIM}')
    found = check_twins(cfg, aemim, 2 * 53)
    spared = ('norm', '.bias', 'mask_token')
    for name, (rate, decay) in found.items():
        expected = 0 if any(part in name for part in spared) else 0.05
        assert (rate, decay) == (8e-4, expected), name


def test_no_hook_that_cannot_draw_simmim():
    for name in (SIMMIM, AEMIM):
        hooks = [hook.type for hook in load(f'pretrain/{name}').custom_hooks]
        assert 'ReconstructionHook' not in hooks
