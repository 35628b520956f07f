# Copyright (c) aemim_mm contributors. All rights reserved.

import pytest
import torch
from mmengine.config import Config
from tiny_run import (
    aemim,
    load_tool,
    pretrain_cfg,
    train_once,
    write_images,
)

from aemim_mm.export import backbone, load_export


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """What a Runner saves after one iteration of AEMIM."""
    folder = tmp_path_factory.mktemp('run')
    cfg = pretrain_cfg(write_images(folder / 'images', 4), aemim())
    return train_once(
        cfg,
        folder / 'work',
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
        custom_hooks=[],
    )


@pytest.fixture
def tool():
    return load_tool('export_backbone')


@pytest.mark.parametrize(
    'target',
    ['mmpretrain', pytest.param('mmdet', marks=pytest.mark.det), 'timm'],
)
def test_checkpoint_of_a_run(tool, checkpoint, tmp_path, capsys, target):
    out = tmp_path / 'out.pth'
    status = tool.main([str(checkpoint), str(out), '--to', target, '--check'])
    printed = capsys.readouterr().out
    assert status == 0
    assert 'encoder: VisionTransformer (32 x 2 layers, 2 heads' in printed
    assert 'left behind: adversarial adapters (adv.*)' in printed
    assert 'left behind: optimizer' in printed
    assert 'largest difference of features: ' in printed
    weights, meta = load_export(out)
    assert f'{out}: {len(weights)} tensors for {target}' in printed
    assert meta['recipe']['method'] == 'MAE'
    assert meta['source']['epoch'] == 1
    saved = torch.load(checkpoint, weights_only=False)['state_dict']
    key = dict(timm='norm.bias').get(target, 'backbone.ln1.bias')
    assert torch.equal(weights[key], saved['backbone.ln1.bias'])


def test_failing_check(tool, checkpoint, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(backbone, 'compare', lambda *args: dict(features=2e-4))
    out = tmp_path / 'out.pth'
    status = tool.main([str(checkpoint), str(out), '--to', 'timm', '--check'])
    printed = capsys.readouterr()
    assert status == 1
    assert 'largest difference of features: 0.0002' in printed.out
    assert f'check failed: above the limit of 0.0001; {out}' in printed.err
    assert not out.exists()


def test_types_and_replacing(tool, checkpoint, tmp_path):
    out = tmp_path / 'out.safetensors'
    args = [str(checkpoint), str(out), '--to', 'timm', '--dtype', 'bfloat16']
    assert tool.main(args) == 0
    with pytest.raises(ValueError, match='--force'):
        tool.main(args)
    assert tool.main([*args, '--force']) == 0
    weights, _ = load_export(out)
    assert {value.dtype for value in weights.values()} == {torch.bfloat16}


def test_config_file(tool, checkpoint, tmp_path, capsys):
    state = torch.load(checkpoint, weights_only=False)['state_dict']
    bare, config = tmp_path / 'bare.pth', tmp_path / 'config.py'
    torch.save(state, bare)
    Config(dict(model=aemim())).dump(str(config))
    args = [str(bare), str(tmp_path / 'out.pth'), '--to', 'timm']
    with pytest.raises(ValueError, match='number of heads .*--config'):
        tool.main(args)
    assert tool.main([*args, '--config', str(config)]) == 0
    assert 'holds no config' not in capsys.readouterr().out


@pytest.mark.parametrize(('swaps', 'noted'), [(True, False), (False, True)])
def test_order_of_channels(tool, checkpoint, tmp_path, capsys, swaps, noted):
    pixels = dict(mean=[0.0] * 3, std=[1.0] * 3, to_rgb=swaps)
    config, out = tmp_path / 'config.py', tmp_path / 'out.pth'
    model = dict(aemim(), data_preprocessor=pixels)
    Config(dict(model=model)).dump(str(config))
    args = [str(checkpoint), str(out), '--config', str(config), '--to', 'timm']
    assert tool.main(args) == 0
    assert ('(to_rgb=False)' in capsys.readouterr().out) is noted
    # The preprocessors of mmpretrain and mmdet swap by themselves.
    assert tool.main([*args[:-1], 'mmpretrain', '--force']) == 0
    assert 'note:' not in capsys.readouterr().out
