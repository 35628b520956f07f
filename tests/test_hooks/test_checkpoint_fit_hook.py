# Copyright (c) aemim_mm contributors. All rights reserved.
import re

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModule, ExponentialMovingAverage
from mmengine.runner import Runner
from mmpretrain.models import (
    AverageClsScoreTTA,
    MAEViT,
    MixMIMPretrainTransformer,
    VisionTransformer,
)
from mmpretrain.registry import DATASETS
from safetensors.torch import save_file
from states import assert_equal_states
from torch.utils.data import Dataset

from aemim_mm.hooks import CheckpointFitHook
from aemim_mm.models.backbones import DualNormViT

_ARCH = dict(embed_dims=8, num_layers=1, num_heads=2, feedforward_channels=8)


@DATASETS.register_module(force=True)
class NoImages(Dataset):
    """Never read: the run has no epoch."""

    metainfo = dict(classes=('a',))

    def __len__(self):
        return 1


def _detector(arch, checkpoint):
    """RetinaNet over the one map of a tiny ViT."""
    return dict(
        type='RetinaNet',
        data_preprocessor=dict(type='DetDataPreprocessor'),
        neck=None,
        backbone=dict(
            type='mmpretrain.VisionTransformer',
            arch=arch,
            img_size=32,
            patch_size=16,
            out_type='featmap',
            final_norm=False,
            init_cfg=dict(
                type='Pretrained', checkpoint=checkpoint, prefix='backbone.'
            ),
        ),
        bbox_head=dict(
            type='RetinaHead',
            num_classes=1,
            in_channels=8,
            feat_channels=8,
            stacked_convs=1,
            anchor_generator=dict(
                type='AnchorGenerator',
                octave_base_scale=4,
                scales_per_octave=1,
                ratios=[1.0],
                strides=[16],
            ),
        ),
        train_cfg=dict(
            assigner=dict(
                type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4
            ),
            allowed_border=-1,
            pos_weight=-1,
            debug=False,
        ),
    )


@pytest.fixture
def trained(make_runner, tmp_path):
    """A checkpoint of the model with a backbone of width 4, one output."""
    make_runner(work_dir=tmp_path / 'trained').train()
    return str(tmp_path / 'trained' / 'epoch_1.pth')


@pytest.fixture
def train(make_runner, tmp_path, logged):
    """Train under the hook; what the log says about checkpoints."""

    def run(hook=(), model=None, **cfg):
        runner = make_runner(
            work_dir=tmp_path / 'run',
            hooks=[dict(type='CheckpointFitHook', **dict(hook))],
            model=model,
            **cfg,
        )
        logged.clear()
        runner.train()
        return runner, '\n'.join(logged)

    return run


def _pretrained(path, prefix='backbone.', **backbone):
    init_cfg = dict(type='Pretrained', checkpoint=path, prefix=prefix)
    return dict(backbone=dict(backbone, init_cfg=init_cfg))


def _keys(rename):
    """Edit the names in a checkpoint; what gets none is left out."""

    def edit(content):
        state = content['state_dict'].items()
        state = {rename(key): value for key, value in state if rename(key)}
        return dict(content, state_dict=state)

    return edit


def _without(key):
    return _keys(lambda name: name != key and name)


def _with_extra(content):
    state = dict(content['state_dict'], extra=torch.ones(1))
    return dict(content, state_dict=state)


def _foreign(content):
    return dict(model={}, optimizer={})


_NO_PREFIX = (
    '0 of 4 keys of the model would be loaded.*'
    'missing in the file: fc.weight, fc.bias, ln1.weight, ln1.bias.*'
    r'keys in the file: backbone\. \(4 keys\), head\. \(2 keys\).*'
    'a wrong prefix: 4 of 4 keys of the model are in the file below '
    "'backbone.'"
)
# By the road on which the file comes, and a name: what is done to the file
# before, options of the hook, arguments of the model (of 'init_cfg' those of
# its backbone), and a pattern for the error or, without one, for the log.
CASES = {
    'init_cfg: fits': dict(
        log=r'Checkpoint fits: 4 of 4 keys loaded from \S+epoch_1.pth for '
        r"the Pretrained init_cfg of backbone \(prefix='backbone.'\)"
    ),
    # Average pooling: a new norm after it, none of the encoder's last one.
    'init_cfg: of fine-tuning': dict(
        final_norm=False,
        log='Checkpoint fits: 2 of 4 keys.*initial values: ln2.weight, '
        'ln2.bias.*in the file but not used: ln1.weight, ln1.bias',
    ),
    'init_cfg: of fine-tuning, nothing may lack': dict(
        final_norm=False,
        hook=dict(allow_missing=()),
        refused='missing in the file: ln2.weight',
    ),
    'init_cfg: wrong prefix': dict(prefix='encoder.', refused=_NO_PREFIX),
    'init_cfg: no prefix': dict(prefix=None, refused=_NO_PREFIX),
    'init_cfg: wrong width': dict(
        width=6,
        refused=r'different shapes: fc.weight.*\[4, 3\].*\[6, 3\].*'
        'a different architecture',
    ),
    'init_cfg: lacks a key': dict(
        edit=_without('backbone.fc.bias'),
        refused='3 of 4 keys.*missing in the file: fc.bias\n',
    ),
    # mmengine only warns.
    'init_cfg: lacks a key of a module that is not checked': dict(
        edit=_without('backbone.fc.bias'), hook=dict(skip=('back*',))
    ),
    'init_cfg: flat dict of tensors': dict(
        edit=lambda content: content['state_dict'],
        log=r'Checkpoint fits: 4 of 4 keys loaded from \S+epoch_1.pth',
    ),
    'init_cfg: of another library': dict(
        edit=_foreign, refused='epoch_1.pth for the Pret.* refused'
    ),
    'load_from: fits': dict(
        log='fits: 6 of 6 keys loaded from the checkpoint of load_from'
    ),
    'load_from: warns of the head': dict(
        edit=_keys(lambda key: key.replace('head.bias', 'neck.fc.weight')),
        log='Checkpoint fits: 5 of 6 keys.*initial values: head.bias.*'
        'in the file but not used: neck.fc.weight',
    ),
    'load_from: needs the backbone': dict(
        edit=_keys(lambda key: key.removeprefix('backbone.')),
        refused='2 of 6 keys.*missing in the file: backbone.fc.weight.*'
        r"init_cfg=dict\(type='Pretrained'",
    ),
    'load_from: lacks a weight': dict(
        edit=_without('backbone.fc.weight'),
        refused='missing in the file: backbone.fc',
    ),
    'load_from: lacks what is allowed': dict(
        edit=_without('backbone.fc.weight'), hook=dict(allow_missing=('fc.*',))
    ),
    'load_from: another library': dict(
        edit=_foreign,
        refused='is refused.*format of another library.*'
        r"'model' is a dict \(all keys: model, optimizer\)",
    ),
    'load_from: adversarial adapters alone': dict(
        edit=_keys('adv.{}'.format), refused='an adversarial-only file'
    ),
    'load_from: another number of outputs': dict(
        out=2, refused='different shapes: head.weight.*allow_mismatch'
    ),
    'load_from: another number of outputs, allowed': dict(
        out=2,
        hook=dict(allow_mismatch=('head.*',)),
        log='fits: 4 of 6 keys.*differ in shape, not loaded: head.weight',
    ),
    'load_from: a distributed model': dict(
        edit=_keys('module.{}'.format), log='Checkpoint fits: 6 of 6 keys'
    ),
    'resume: fits': dict(
        log='6 of 6 keys loaded from the checkpoint to resume from'
    ),
    'resume: with a key more': dict(
        edit=_with_extra, refused='to resume from.*not in the model: extra'
    ),
    'resume: with a key less': dict(
        edit=_without('head.bias'),
        refused='to resume from.*missing in the file: head.bias',
    ),
}


def _check(
    train, path, road, edit=None, hook=(), refused=None, log='', **model
):
    if edit:
        torch.save(edit(torch.load(path, weights_only=False)), path)
    if road == 'init_cfg':
        options = dict(model=_pretrained(path, **model))
    else:
        options = dict(model=model, load_from=path, resume=road == 'resume')
    if refused:
        with pytest.raises(ValueError, match=f'(?s){refused}'):
            train(hook, **options)
        return
    runner, found = train(hook, **options)
    assert runner.iter == 8
    assert re.search(log, found, re.DOTALL)


@pytest.mark.parametrize('case', CASES)
def test_a_checkpoint(train, trained, case):
    _check(train, trained, case.split(':')[0], **CASES[case])


def test_a_safetensors_file(train, trained, tmp_path):
    path = str(tmp_path / 'flat.safetensors')
    save_file(torch.load(trained, weights_only=False)['state_dict'], path)
    log = 'Checkpoint fits: 4 of 4 keys loaded from .*flat.safetensors'
    _check(train, path, 'init_cfg', log=log)


@pytest.mark.parametrize('wrapper', ['model', None])
def test_a_file_of_another_library(train, tmp_path, wrapper):
    """mmengine itself asserts, or loads nothing and goes on."""
    weights = {
        'patch_embed.proj.weight': torch.ones(1),
        'blocks.0.norm1.weight': torch.ones(1),
    }
    path = tmp_path / 'foreign.pth'
    torch.save({wrapper: weights} if wrapper else weights, path)
    command = f'import_checkpoint.py {path} OUT.pth --from timm'
    if wrapper:
        command += '.*facebookresearch/mae.*--from mae'
    for options in (
        dict(model=_pretrained(str(path), prefix='')),
        dict(load_from=str(path)),
    ):
        with pytest.raises(ValueError, match=f'(?s)It is a file.*{command}'):
            train(**options)


def test_pretrained_is_not_read_for_a_test(make_runner):
    runner = make_runner(model=_pretrained('/nowhere/file.pth'))
    CheckpointFitHook().before_run(runner)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    with pytest.raises(FileNotFoundError):
        CheckpointFitHook().before_run(runner)


def test_a_test_needs_every_key(make_runner, trained):
    runner = make_runner(load_from=trained)
    CheckpointFitHook().after_load_checkpoint(
        runner, torch.load(trained, weights_only=False)
    )
    checkpoint = torch.load(trained, weights_only=False)
    del checkpoint['state_dict']['head.bias']
    with pytest.raises(ValueError, match='checkpoint to be tested'):
        CheckpointFitHook().after_load_checkpoint(runner, checkpoint)


def test_a_test_with_augmentation_loads_into_the_inner_model(
    make_runner, trained
):
    runner = make_runner(load_from=trained)
    runner.model = AverageClsScoreTTA(module=runner.model)
    checkpoint = torch.load(trained, weights_only=False)
    CheckpointFitHook().after_load_checkpoint(runner, checkpoint)
    del checkpoint['state_dict']['head.bias']
    with pytest.raises(ValueError, match='5 of 6 keys'):
        CheckpointFitHook().after_load_checkpoint(runner, checkpoint)


# Load hooks -----------------------------------------------------------------


def test_resized_position_embedding_fits(make_runner, tmp_path):
    small = VisionTransformer(_ARCH, img_size=32, patch_size=16)
    path = str(tmp_path / 'file.pth')
    torch.save(small.state_dict(), path)
    runner = make_runner()
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.model.backbone = VisionTransformer(
        _ARCH,
        img_size=64,
        patch_size=16,
        init_cfg=[dict(type='Pretrained', checkpoint=path)],
    )
    CheckpointFitHook().before_run(runner)
    runner.model.backbone = VisionTransformer(
        dict(_ARCH, num_layers=2),
        img_size=32,
        patch_size=16,
        init_cfg=dict(type='Pretrained', checkpoint=path),
    )
    with pytest.raises(ValueError, match=r'missing in the file: layers\.1'):
        CheckpointFitHook().before_run(runner)


def test_blocks_that_are_left_over(make_runner, tmp_path):
    deep = VisionTransformer(
        dict(_ARCH, num_layers=2), img_size=32, patch_size=16
    )
    path = str(tmp_path / 'file.pth')
    torch.save(deep.state_dict(), path)
    runner = make_runner()
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.model.backbone = VisionTransformer(
        _ARCH,
        img_size=32,
        patch_size=16,
        init_cfg=dict(type='Pretrained', checkpoint=path),
    )
    with pytest.raises(ValueError, match=r'18 of 18 keys .* would') as error:
        CheckpointFitHook().before_run(runner)
    assert 'not in the model: layers.1.ln1.weight' in str(error.value)
    assert 'a different architecture' in str(error.value)
    CheckpointFitHook(allow_unused=('layers.1.*',)).before_run(runner)
    # The same by load_from.
    state = {f'backbone.{k}': v for k, v in deep.state_dict().items()}
    with pytest.raises(ValueError, match=r'model: backbone\.layers\.1\.ln1'):
        CheckpointFitHook().after_load_checkpoint(runner, state)
    CheckpointFitHook(
        allow_unused=('backbone.layers.1.*',)
    ).after_load_checkpoint(runner, state)


# Weights that a class does not keep ------------------------------------------


def _encoder(kind, **options):
    if kind is MixMIMPretrainTransformer:
        return kind(dict(embed_dims=8, depths=[1], num_heads=[1]), **options)
    return kind(dict(_ARCH, embed_dims=16), img_size=32, **options)


@pytest.mark.parametrize(
    'kind, lost',
    [
        (VisionTransformer, None),
        (DualNormViT, None),
        (MAEViT, '2 of 18 weights.*cls_token, patch_embed.projection.weight'),
        (
            MixMIMPretrainTransformer,
            '16 of 21 weights.*patch_embed.norm.weight',
        ),
    ],
)
def test_pretrained_weights_are_kept(tmp_path, kind, lost):
    torch.manual_seed(0)
    trained = _encoder(kind)
    trained.init_weights()
    for value in trained.parameters():
        if value.requires_grad:  # not the table of positions
            torch.nn.init.normal_(value)
    path = str(tmp_path / 'file.pth')
    torch.save(trained.state_dict(), path)
    init_cfg = dict(type='Pretrained', checkpoint=path)
    model = torch.nn.ModuleDict(dict(a=_encoder(kind, init_cfg=init_cfg)))
    model['a'].init_weights()
    if lost is None:
        CheckpointFitHook().check_kept(model)
        # It is looked at, and in the whole model.
        model['a'].ln1.bias.data[0] = 7
        lost = '1 of .* weights.*such as: ln1.bias'
    with pytest.raises(
        ValueError, match=rf'(?s){kind.__name__} .* of a .*{lost}'
    ):
        CheckpointFitHook().check_kept(model)
    CheckpointFitHook(skip=['a']).check_kept(model)


def test_what_takes_the_place_of_loaded_weights(tmp_path):
    torch.manual_seed(0)
    trained = _encoder(DualNormViT, adapters=('norm',))
    trained.init_weights()
    for value in trained.parameters():
        if value.requires_grad:
            torch.nn.init.normal_(value)
    state = trained.state_dict()
    clean = {f'backbone.{k}': v for k, v in state.items() if k[:4] != 'adv.'}
    twins = {
        k.replace('adv.', 'adv.backbone.', 1): v
        for k, v in state.items()
        if k[:4] == 'adv.'
    }
    path = str(tmp_path / 'algorithm.pth')
    torch.save(dict(state_dict=clean | twins), path)
    init_cfg = dict(type='Pretrained', checkpoint=path, prefix='backbone.')
    model = torch.nn.ModuleDict(
        dict(a=_encoder(DualNormViT, adapters=('norm',), init_cfg=init_cfg))
    )
    model['a'].init_weights()
    assert_equal_states(model['a'].state_dict(), state)
    # The first step copies the online encoder into it.
    model['momentum'] = ExponentialMovingAverage(
        _encoder(VisionTransformer, init_cfg=init_cfg)
    )
    # A file for the whole of it is loaded last.
    inner = _encoder(VisionTransformer, init_cfg=init_cfg)
    whole = tmp_path / 'whole.pth'
    torch.save({f'b.{k}': v for k, v in inner.state_dict().items()}, whole)
    model['outer'] = BaseModule(dict(type='Pretrained', checkpoint=str(whole)))
    model['outer'].b = inner
    CheckpointFitHook().check_kept(model)


def test_a_run_stops_where_they_are_not_kept(train, trained, monkeypatch):
    def forgetful(self):
        BaseModule.init_weights(self)
        torch.nn.init.ones_(self.fc.weight)

    kind = type(train(model=_pretrained(trained))[0].model.backbone)
    monkeypatch.setattr(kind, 'init_weights', forgetful)
    with pytest.raises(ValueError, match='1 of 4 weights anew\n  .*fc.weight'):
        train(model=_pretrained(trained))
    # A whole checkpoint comes after it.
    train(model=_pretrained(trained), load_from=trained)


# Detection ------------------------------------------------------------------


@pytest.mark.det
def test_a_detection_run(tmp_path):
    """A detector of mmdet, in its scope, over an encoder of mmpretrain."""
    arch = dict(_ARCH, num_layers=2)
    encoder = VisionTransformer(arch, img_size=32, patch_size=16)
    path = str(tmp_path / 'epoch_1.pth')
    state = encoder.state_dict()
    torch.save({f'backbone.{k}': v for k, v in state.items()}, path)
    runner = Runner.from_cfg(
        Config(
            dict(
                default_scope='mmdet',
                work_dir=str(tmp_path / 'work'),
                model=_detector(arch, path),
                train_dataloader=dict(
                    batch_size=1,
                    dataset=dict(type='mmpretrain.NoImages'),
                    sampler=dict(type='DefaultSampler', shuffle=False),
                ),
                train_cfg=dict(by_epoch=True, max_epochs=0),
                optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
                custom_hooks=[dict(type='mmpretrain.CheckpointFitHook')],
            )
        )
    )
    runner.train()
    ours = runner.model.backbone.state_dict()
    assert ours.keys() == state.keys() - {'ln1.weight', 'ln1.bias'}
    for key, value in ours.items():
        assert torch.equal(value, state[key]), key
    (log,) = (tmp_path / 'work').glob('*/*.log')
    assert f'Checkpoint fits: 28 of 28 keys loaded from {path}' in (
        log.read_text()
    )


def test_patterns_are_sequences():
    with pytest.raises(TypeError, match=r"write \('ln2.\*', \)"):
        CheckpointFitHook(allow_missing='ln2.*')
