# Copyright (c) aemim_mm contributors. All rights reserved.
import copy
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_run
import torch
from mmpretrain.apis import FeatureExtractor
from PIL import Image

from aemim_mm.export import export_backbone
from aemim_mm.features import load_encoder
from aemim_mm.features.extract import extract


@pytest.fixture
def folder(tmp_path):
    tiny_run.write_images(tmp_path / 'photos', num=5)
    (tmp_path / 'photos/broken.gif').write_bytes(b'GIF89a')
    return tmp_path


@pytest.fixture(scope='module')
def tool():
    return tiny_run.load_tool('extract_features')


def run(tool, folder, checkpoint, *options):
    out = folder / 'features.npz'
    arguments = [checkpoint, folder / 'photos', '--out', out, '--force']
    arguments += ['--workers', '0', '--batch-size', '2', *options]
    assert tool.main([str(a) for a in arguments]) == 0
    with np.load(out) as found:
        return list(found['names']), found['features']


@pytest.mark.parametrize('pool', ['avg', 'cls'])
def test_features_are_those_of_mmpretrain(tool, zoo, folder, pool, capsys):
    checkpoint = zoo.save('aemim')
    names, features = run(tool, folder, checkpoint, '--pool', pool)
    assert names == [
        'a/00.png',
        'a/02.png',
        'a/04.png',
        'b/01.png',
        'b/03.png',
    ]
    error = capsys.readouterr().err
    assert 'broken.gif is unreadable' in error and '6/6' in error
    cfg = tiny_run.Config.fromstring(zoo.config('aemim'), '.py')
    preprocessor = cfg.data_preprocessor
    resize = dict(backend='pillow', interpolation='bicubic')
    cfg = tiny_run.Config(
        dict(
            model=dict(
                type='ImageClassifier',
                backbone=dict(
                    type='VisionTransformer',
                    arch=cfg.model.backbone.arch,
                    img_size=32,
                    patch_size=8,
                    out_type='raw',
                ),
                data_preprocessor=preprocessor,
            ),
            test_dataloader=dict(
                dataset=dict(
                    type='CustomDataset',
                    pipeline=[
                        dict(type='LoadImageFromFile'),
                        dict(type='ResizeEdge', scale=36, **resize),
                        dict(type='CenterCrop', crop_size=32),
                        dict(type='PackInputs'),
                    ],
                )
            ),
        )
    )
    theirs = FeatureExtractor(cfg, pretrained=str(checkpoint), device='cpu')
    paths = [str(folder / 'photos' / name) for name in names]
    tokens = torch.stack([found[-1] for found in theirs(paths)])
    expected = tokens[:, 1:].mean(1) if pool == 'avg' else tokens[:, 0]
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)


def test_a_rectangular_encoder_sees_the_whole_image(zoo, folder, monkeypatch):
    monkeypatch.setitem(zoo.models, 'wide', copy.deepcopy(zoo.models['aemim']))
    for part in ('backbone', 'neck', 'head'):
        zoo.models['wide'][part]['img_size'] = (32, 64)
    zoo.models['wide']['neck']['type'] = 'MAEMaskedDecoder'
    zoo.models['wide']['head']['type'] = 'MAEMaskedHead'
    encoder = load_encoder(zoo.save('wide'))
    shapes = []
    encoder.register_forward_pre_hook(
        lambda _, inputs: shapes.append(inputs[0].shape)
    )
    extract(encoder, str(folder / 'photos'), progress=False)
    assert shapes == [(5, 3, 32, 64)]


@pytest.mark.parametrize('name', ['aemim', 'simmim'])
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_exported_files(tool, zoo, folder, name, suffix):
    _, features = run(tool, folder, zoo.save(name))
    exported = folder / f'encoder{suffix}'
    export_backbone(zoo.save(name), exported, 'mmpretrain')
    _, again = run(tool, folder, exported)
    np.testing.assert_array_equal(again, features)
    assert features.std(0).max() > 0


def test_a_config_with_weights(tool, zoo, folder):
    _, expected = run(tool, folder, zoo.save('aemim'))
    config = folder / 'config.py'
    config.write_text(zoo.config('aemim'))
    _, features = run(tool, folder, config, '--weights', zoo.save('aemim'))
    np.testing.assert_array_equal(features, expected)


def test_plot(tool, zoo, folder):
    picture = folder / 'pca.png'
    run(tool, folder, zoo.save('aemim'), '--plot', picture)
    assert picture.read_bytes()[:4] == b'\x89PNG'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['{pth}', '.', '--out', 'no/x.npz'], 'no folder for no/x.npz'),
        (['{pth}', '.', '--out', 'old.npz'], '--force'),
        (['{py}', '.', '--out', 'x.npz'], '--weights FILE'),
        (
            ['a.pth', '.', '--out', 'x.npz', '--weights', 'b.pth'],
            'a.pth holds weights already',
        ),
        (['{swin}', '.', '--out', 'x.npz', '--pool', 'cls'], "pool 'avg'"),
    ],
)
def test_bad_input(
    tool, zoo, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'old.npz').touch()
    (tmp_path / 'c.py').write_text('model = dict(type="MAE")')
    names = dict(pth=zoo.save('aemim'), py='c.py', swin=zoo.save('simmim'))
    arguments = [a.format(**names) for a in arguments]
    assert tiny_run.exit_code(tool.main, arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'x.npz').exists()


def test_unknown_pool(zoo):
    with pytest.raises(ValueError, match="'max'.*'avg', 'cls'"):
        load_encoder(zoo.save('aemim'), pool='max')


@pytest.mark.parametrize('channels', [1, 3])
def test_a_rotation_in_exif_is_ignored(tmp_path, channels):
    """As in training and in the robustness suite."""
    picture = Image.new('RGB', (32, 32))
    picture.paste((255, 255, 255), (0, 0, 32, 16))
    exif = picture.getexif()
    exif[0x0112] = 3
    picture.save(tmp_path / 'a.jpg', exif=exif)

    class Pixels(SimpleNamespace):
        def __call__(self, images):
            return images.float().mean((1, 3))

    encoder = Pixels(
        img_size=(16, 16), in_channels=channels, mean=torch.zeros(1)
    )
    (rows,) = extract(encoder, str(tmp_path), progress=False).features
    assert rows.shape == (16,)
    assert rows[0] > 200 and rows[-1] < 50


def test_weights_of_a_tokenizer_are_not_the_encoders(tool, tmp_path):
    config = tmp_path / 'config.py'
    tokenizer = dict(type='Pretrained', checkpoint='dalle.pth')
    own = dict(type='Pretrained', checkpoint='own.pth')
    model = dict(
        type='BEiT',
        target_generator=dict(type='DALLEEncoder', init_cfg=tokenizer),
        backbone=dict(type='BEiTPretrainViT', init_cfg=own),
    )
    config.write_text(f'model = {model}')
    assert tool.find_weights(str(config), None) == ('own.pth', str(config))
    del model['backbone']['init_cfg']
    config.write_text(f'model = {model}')
    with pytest.raises(ValueError, match='names no weights: pass --weights'):
        tool.find_weights(str(config), None)
