# Copyright (c) aemim_mm contributors. All rights reserved.
import mmcv
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from PIL import Image
from tiny_run import load_tool
from toys import build_aemim, build_stock, mae_cfg

RED, GREEN = (250, 10, 20), (10, 240, 20)


@pytest.fixture
def tool(monkeypatch):
    """The tool, which also keeps the rows that it draws."""
    module = load_tool('visualize_reconstruction')
    draw = module.draw_rows
    module.rows = []

    def keep(rows):
        module.rows.append(rows)
        return draw(rows)

    monkeypatch.setattr(module, 'draw_rows', keep)
    return module


@pytest.fixture
def files(tmp_path):
    """Config, checkpoint, and a data set of six red images."""
    for i in range(6):
        path = tmp_path / 'data' / 'a' / f'{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (40, 40), RED).save(path)
    model = mae_cfg('DualNormViT')
    preprocessor = model.pop('data_preprocessor')
    cfg = dict(
        default_scope='mmpretrain',
        data_preprocessor=dict(preprocessor, to_rgb=True),
        model=dict(type='AEMIMAlgorithm', method='MAE', **model),
        train_dataloader=dict(
            dataset=dict(
                type='CustomDataset',
                data_root=str(tmp_path / 'data'),
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='RandomResizedCrop', scale=32),
                    dict(type='PackInputs'),
                ],
            )
        ),
    )
    Config(cfg).dump(tmp_path / 'config.py')
    weights = build_aemim('MAE-DualNormViT').state_dict()
    torch.save(dict(state_dict=weights), tmp_path / 'model.pth')
    return tmp_path


def test_a_short_option_of_the_recipe(tool, files):
    cfg = Config.fromfile(files / 'config.py')
    key = 'train_dataloader.dataset.data_root'
    cfg.shortcuts = dict(images=dict(sets=[key]))
    data, cfg.train_dataloader.dataset.data_root = files / 'data', 'none'
    cfg.dump(files / 'config.py')
    _run(tool, files, '--num-images', '2', '--cfg-options', f'images={data}')
    (rows,) = tool.rows
    assert len(rows.images['original']) == 2


def _run(tool, files, *args, checkpoint='model.pth'):
    out = files / 'out' / 'picture.png'
    tool.main(
        [
            str(files / 'config.py'),
            str(files / checkpoint),
            *map(str, args),
            '--out',
            str(out),
            '--device',
            'cpu',
        ]
    )
    assert mmcv.imread(out).std() > 10
    return tool.rows[-1].images


def _colour(image):
    return image.mean((1, 2)).tolist()


def test_images_of_the_training_set(tool, files):
    images = _run(tool, files, '--num-images', 3)
    assert len(images) == 6
    assert images['original'].shape == (3, 3, 32, 32)
    for image in images['original']:
        assert _colour(image) == pytest.approx(RED, abs=1e-3)


def test_given_images_are_resized_and_cropped(tool, files):
    pixels = np.full((100, 50, 3), RED, np.uint8)
    pixels[:25] = pixels[-25:] = 0  # the centre crop is 50 x 50
    Image.fromarray(pixels).save(files / 'tall.png')
    Image.new('L', (20, 20), 77).save(files / 'small.png')
    images = _run(tool, files, files / 'tall.png', files / 'small.png')
    assert images['original'].shape == (2, 3, 32, 32)
    tall, small = images['original']
    assert _colour(tall[:, 2:-2]) == pytest.approx(RED, abs=1)
    assert _colour(small) == pytest.approx((77, 77, 77), abs=1e-3)


def test_given_images_fill_a_rectangle(tool, files):
    cfg = Config.fromfile(files / 'config.py')
    for part in ('backbone', 'neck', 'head'):
        cfg.model[part].img_size = (32, 64)
    cfg.model.neck.type, cfg.model.head.type = (
        'MAEMaskedDecoder',
        'MAEMaskedHead',
    )
    cfg.dump(files / 'config.py')
    pixels = np.full((50, 100, 3), RED, np.uint8)
    pixels[:, 50:] = GREEN
    Image.fromarray(pixels).save(files / 'wide.png')
    wide = dict(cfg.model, data_preprocessor=cfg.data_preprocessor)
    torch.save(MODELS.build(wide).state_dict(), files / 'wide.pth')
    images = _run(tool, files, files / 'wide.png', checkpoint='wide.pth')
    (wide,) = images['original']
    assert wide.shape == (3, 32, 64)
    assert _colour(wide[..., :30]) == pytest.approx(RED, abs=1)
    assert _colour(wide[..., 34:]) == pytest.approx(GREEN, abs=1)


@pytest.mark.parametrize('shards', [False, True])
@pytest.mark.parametrize('to_rgb', [True, False])
def test_colours_are_right_for_bgr_models_too(tool, files, to_rgb, shards):
    options = [f'data_preprocessor.to_rgb={to_rgb}']
    if shards:  # whose pipeline loads nothing
        options += [
            'train_dataloader.dataset.type=TimmDataset',
            'train_dataloader.dataset.pipeline=[dict(type="PackInputs")]',
        ]
    Image.new('RGB', (32, 32), GREEN).save(files / 'green.png')
    Image.new('RGB', (32, 32), RED).save(files / 'red.png')
    pictures = (files / 'green.png', files / 'red.png')
    images = _run(tool, files, *pictures, '--cfg-options', *options)
    green, red = images['original']
    assert _colour(green) == pytest.approx(GREEN, abs=1e-3)
    assert _colour(red) == pytest.approx(RED, abs=1e-3)


def test_weights_and_seed_matter(tool, files):
    first = _run(tool, files)
    again = _run(tool, files)
    other = _run(tool, files, '--seed', 1)
    weights = build_aemim('MAE-DualNormViT').state_dict()
    weights['neck.decoder_pred.bias'] += 1
    torch.save(dict(state_dict=weights), files / 'new.pth')
    changed = _run(tool, files, checkpoint='new.pth')
    for name in first:
        assert torch.equal(first[name], again[name]), name
    assert not torch.equal(first['masked'], other['masked'])
    assert torch.equal(first['masked'], changed['masked'])
    name = 'reconstruction'
    assert not torch.equal(first[name], changed[name])


def test_stock_checkpoint_fills_the_adapters(tool, files, recwarn):
    stock = build_stock('MAE-DualNormViT')
    torch.save(stock.state_dict(), files / 'mae.pth')
    _run(tool, files, checkpoint='mae.pth')
    assert not [w for w in recwarn if 'lacks' in str(w.message)]


def test_incomplete_checkpoint_warns(tool, files):
    weights = build_aemim('MAE-DualNormViT').backbone.state_dict(
        prefix='backbone.'
    )
    torch.save(dict(state_dict=weights), files / 'encoder.pth')
    with pytest.warns(UserWarning, match='lacks .* is untrained'):
        _run(tool, files, checkpoint='encoder.pth')


def test_unusable_checkpoints(tool, files):
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        _run(tool, files, checkpoint='nowhere.pth')
    torch.save({'fc.weight': torch.zeros(1)}, files / 'other.pth')
    with pytest.raises(ValueError, match=r"no key of .*\['fc.weight'\]"):
        _run(tool, files, checkpoint='other.pth')
    weights = {'backbone.cls_token': torch.zeros(1, 1, 7)}
    torch.save(weights, files / 'wide.pth')
    with pytest.raises(
        ValueError, match='(?s)wide.pth does not fit.*cls_token'
    ):
        _run(tool, files, checkpoint='wide.pth')


def test_unusable_images(tool, files):
    with pytest.raises(FileNotFoundError, match='no image file .*nowhere'):
        _run(tool, files, files / 'nowhere.png')
    (files / 'text.png').write_text('no image')
    with pytest.raises(OSError, match='text.png is unreadable'):
        _run(tool, files, files / 'text.png')
