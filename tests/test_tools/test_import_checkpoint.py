# Copyright (c) aemim_mm contributors. All rights reserved.
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import torch
from export_zoo import SWIN
from foreign_files import write_mae
from mmpretrain.registry import MODELS
from safetensors.torch import load_file
from tiny_run import (
    aemim,
    load_tool,
    pretrain_cfg,
    train_once,
    write_images,
)

from aemim_mm.export import load_export
from aemim_mm.importing import import_checkpoint


@pytest.fixture
def tool():
    return load_tool('import_checkpoint')


@pytest.fixture
def mae(tmp_path):
    file, config = write_mae(tmp_path)
    return str(file), '--from', 'mae', '--config', str(config)


def test_what_is_printed(tool, mae, tmp_path, capsys):
    out = tmp_path / 'out.pth'
    file, *options = mae
    assert tool.main([file, str(out), *options, '--check']) == 0
    printed = capsys.readouterr().out
    assert 'encoder: VisionTransformer (32 x 2 layers, 2 heads' in printed
    assert 'largest difference of decoder: ' in printed
    assert 'https://github.com/facebookresearch/mae (cc-by-nc-4.0)' in printed
    assert f"load_from='{out}'" in printed
    assert 'decoder: mmpretrain.MAEPretrainDecoder' in printed


def test_a_check_above_the_limit(tool, mae, tmp_path, capsys, monkeypatch):
    from aemim_mm.importing import checkpoint

    monkeypatch.setattr(
        checkpoint, 'compare_import', lambda *args: dict(features=2e-4)
    )
    out = tmp_path / 'out.pth'
    file, *options = mae
    assert tool.main([file, str(out), *options, '--check']) == 1
    assert 'check failed' in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize('by', ['load_from', 'init_cfg'])
def test_licence_travels_from_import_over_runs_to_exports(
    mae, tmp_path, capsys, by
):
    """Import, two epochs of AEMIM, export: the entry is still there."""
    start_file = tmp_path / 'start.pth'
    done = import_checkpoint(mae[0], start_file, 'mae', config=mae[-1])
    model = aemim()
    model['backbone']['arch']['feedforward_channels'] = 128
    model['neck'] = dict(done.decoder)
    cfg = pretrain_cfg(write_images(tmp_path / 'images', 4), model)
    if by == 'load_from':
        cfg['load_from'] = str(start_file)
    else:
        # The stock MAEViT draws tokens anew after it has loaded them.
        model['backbone']['type'] = 'DualNormViT'
        model['backbone']['init_cfg'] = dict(
            type='Pretrained', checkpoint=str(start_file), prefix='backbone.'
        )
    file = train_once(
        cfg,
        tmp_path / 'work',
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.0)),
        custom_hooks=[
            dict(type='CheckpointFitHook'),
            dict(type='RunOriginHook'),
        ],
    )
    logged = capsys.readouterr()
    told = 'go back to https://github.com/facebookresearch/mae (cc-by-nc-4.0)'
    assert (logged.out + logged.err).count(told) == 1
    saved = torch.load(file, weights_only=False)
    assert saved['meta']['started_from'] == done.terms
    # With a learning rate of 0 the run holds what it has started from.
    weights, _ = load_export(start_file)
    part = '' if by == 'load_from' else 'backbone.'
    for key, value in weights.items():
        if key.startswith(part):
            assert torch.equal(saved['state_dict'][key], value), key
    out = tmp_path / 'mine'
    code = load_tool('export_backbone').main(
        [
            str(tmp_path / 'work/epoch_1.pth'),
            '--to',
            'timm',
            '--out',
            f'{out}/',
        ]
    )
    assert code == 0
    assert 'license: cc-by-nc-4.0' in (out / 'README.md').read_text()
    assert told in capsys.readouterr().out


SAVE = """
import sys, torch
from transformers import (ViTConfig, ViTForImageClassification,
    ViTMAEConfig, ViTMAEForPreTraining, ViTModel)
kind, folder = sys.argv[1:]
torch.manual_seed(0)
size = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=96, image_size=32, patch_size=8,
            initializer_range=0.3)
if kind == 'ViTMAE':
    config = ViTMAEConfig(
        decoder_num_attention_heads=4, decoder_hidden_size=32,
        decoder_num_hidden_layers=2, decoder_intermediate_size=64, **size)
    model = ViTMAEForPreTraining(config)
elif kind == 'ViT':
    model = ViTModel(ViTConfig(**size))
else:
    model = ViTForImageClassification(ViTConfig(num_labels=5, **size))
for name, value in model.named_parameters():
    if value.ndim == 1:
        value.data += 0.3 * torch.randn_like(value)
model.save_pretrained(folder)
"""


def _environment(folder, *packages):
    """A Python with packages of its own, and this torch."""
    venv.create(folder, with_pip=False)
    target = next(folder.glob('lib/python*/site-packages'))
    pip = (sys.executable, '-m', 'pip', 'install', '-q', '--target', target)
    done = subprocess.run([*pip, *packages], capture_output=True, text=True)
    if done.returncode and 'connection' in done.stderr:
        pytest.skip(f'no network to install {packages}')
    assert done.returncode == 0, done.stderr
    here = Path(torch.__file__).parents[1]
    (target / 'torch_of_the_tests.pth').write_text(str(here))
    return str(folder / 'bin' / 'python')


@pytest.fixture(scope='module', params=['<5', '>=5'])
def python(request, tmp_path_factory):
    """A Python that has transformers."""
    folder = tmp_path_factory.mktemp('transformers')
    return _environment(folder, f'transformers{request.param}')


@pytest.mark.slow
def test_files_of_transformers(python, tmp_path):
    for kind, compared in dict(
        ViTMAE={'features', 'decoder'},
        ViT={'features'},
        Classifier={'features', 'logits'},
    ).items():
        folder, out = tmp_path / kind, tmp_path / f'{kind}.pth'
        subprocess.run([python, '-c', SAVE, kind, folder], check=True)
        done = import_checkpoint(
            folder, out, 'transformers', check=True, python=python
        )
        assert done.differences.keys() == compared
        assert done.passed, done.differences
        saved = load_file(folder / 'model.safetensors')
        weights, meta = load_export(out)
        ours = 'backbone.layers.1.ffn.layers.1.weight'
        theirs = 'encoder.layer.1.output.dense.weight'
        prefix = '' if kind == 'ViT' else 'vit.'
        assert torch.equal(weights[ours], saved[prefix + theirs])
        assert meta['architecture']['norm_eps'] == 1e-12
        assert meta['architecture']['num_heads'] == 4


# timm 0.4.12 has Microsoft's Swin Transformer as it was published.
SIMMIM = """
import sys, torch
from timm.models.swin_transformer import SwinTransformer
from yacs.config import CfgNode
torch.manual_seed(0)
encoder = SwinTransformer(img_size=64, window_size=2, embed_dim=8,
    depths=(2, 2, 1, 2), num_heads=(1, 2, 4, 8), num_classes=0).eval()
for value in encoder.parameters():
    value.data += 0.1 * torch.randn_like(value)
model = torch.nn.Module()
model.encoder, model.decoder = encoder, torch.nn.Sequential(
    torch.nn.Conv2d(64, 3072, 1), torch.nn.PixelShuffle(32))
encoder.mask_token = torch.nn.Parameter(torch.ones(1, 1, 8))
config = CfgNode(dict(DATA=dict(IMG_SIZE=64)))
config.freeze()
torch.save(dict(model=model.state_dict(), config=config, epoch=1), sys.argv[1])
images = torch.randn(2, 3, 64, 64)
tokens = encoder.norm(encoder.layers(encoder.patch_embed(images)))
torch.save(dict(images=images, tokens=tokens.detach()), sys.argv[2])
"""


@pytest.mark.slow
def test_file_of_simmim(tmp_path):
    """By code of that time, with the settings of yacs, which is not here."""
    packages = ('--no-deps', 'timm==0.4.12', 'yacs')
    python = _environment(tmp_path / 'old', *packages)
    file, outputs = tmp_path / 'simmim.pth', tmp_path / 'outputs.pth'
    subprocess.run([python, '-c', SIMMIM, file, outputs], check=True)
    out = tmp_path / 'out.pth'
    done = import_checkpoint(file, out, 'simmim', check=True)
    assert done.passed, done.differences
    weights, _ = load_export(out)
    encoder = MODELS.build(
        dict(type='SwinTransformer', arch=SWIN, img_size=64, window_size=2)
    )
    encoder.load_state_dict(
        {
            key.removeprefix('backbone.'): value
            for key, value in weights.items()
            if key.startswith('backbone.') and 'mask_token' not in key
        }
    )
    encoder.eval()
    theirs = torch.load(outputs)
    with torch.no_grad():
        ours = encoder(theirs['images'])[-1].flatten(2).transpose(1, 2)
    assert torch.allclose(ours, theirs['tokens'], atol=1e-5)
