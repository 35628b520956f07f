# Copyright (c) aemim_mm contributors. All rights reserved.
import argparse
import json
import re

import pytest
import robustness_toys as toys
import timm
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from safetensors.torch import save_file

from aemim_mm.robustness import (
    load_classifier,
    load_config_classifier,
    load_config_encoder,
    load_timm_classifier,
)

# timm's smallest ViT, smaller: 1000 classes, images of 16 x 16 pixels.
NAME = 'vit_tiny_patch16_224'


@pytest.fixture
def model():
    return toys.build(seed=3)


@pytest.fixture
def files(tmp_path, model):
    """CONFIG and CHECKPOINT."""
    return toys.write_model(tmp_path, model)


@pytest.fixture
def images():
    return torch.rand(2, 3, toys.SIZE, toys.SIZE)


def save(path, weights, key='state_dict'):
    torch.save({key: weights}, path)
    return str(path)


def write_config(path, **cfg):
    Config(cfg).dump(str(path))
    return str(path)


def close(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_config_and_checkpoint(files, model, images):
    classifier = load_config_classifier(*files)
    close(classifier.model(images), toys.classify(model, images))
    assert classifier.name == 'tiny'
    assert classifier.checkpoint == files[1]
    assert classifier.input_size == 16
    assert (classifier.num_classes(), classifier.channels) == (1000, 3)
    assert not any(m.training for m in classifier.model.modules())


def test_only_model_and_data_preprocessor_count(files, model, tmp_path):
    expected = load_config_classifier(*files).sha256()
    junk = dict(
        default_scope='mmpretrain',
        train_dataloader=dict(dataset=dict(type='NoSuchDataset', a=1)),
        optim_wrapper=dict(optimizer=dict(type='NoSuchOptimizer')),
        custom_hooks=[dict(type='NoSuchHook')],
        load_from='absent.pth',
        resume=True,
    )
    # Weights that are named inside are neither loaded nor part of the model.
    head = dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=32,
        init_cfg=[dict(type='Pretrained', checkpoint='absent.pth')],
    )
    cfg = toys.model_cfg(
        train_cfg=dict(augments=dict(type='Mixup', alpha=1.0))
    )
    cfg['backbone']['init_cfg']['checkpoint'] = 'another.pth'
    preprocessor = dict(
        num_classes=1000, mean=toys.MEAN, std=toys.STD, to_rgb=True
    )
    config = write_config(
        tmp_path / 'other.py',
        model=dict(cfg, head=head),
        data_preprocessor=preprocessor,
        **junk,
    )
    assert load_config_classifier(config, files[1]).sha256() == expected
    # A preprocessor in the model is the model's own.
    config = write_config(
        tmp_path / 'inside.py',
        model=toys.model_cfg(data_preprocessor=preprocessor),
        data_preprocessor=dict(preprocessor, mean=[0.0] * 3),
    )
    assert load_config_classifier(config, files[1]).sha256() == expected


def test_normalisation_is_the_configs(files, model, images):
    options = {'data_preprocessor.std': [99.0, 98.0, 97.0]}
    classifier = load_config_classifier(*files, cfg_options=options)
    std = torch.tensor([99.0, 98.0, 97.0]).view(3, 1, 1)
    mean = torch.tensor(toys.MEAN).view(3, 1, 1)
    with torch.no_grad():
        close(classifier.model(images), model((255 * images - mean) / std))


def test_model_that_expects_bgr(files, model, images):
    options = {'data_preprocessor.to_rgb': False}
    classifier = load_config_classifier(*files, cfg_options=options)
    mean, std = torch.tensor([toys.MEAN, toys.STD]).view(2, 3, 1, 1)
    with torch.no_grad():
        expected = model((255 * images.flip(1) - mean) / std)
    close(classifier.model(images), expected)
    assert classifier.sha256() != load_config_classifier(*files).sha256()


def test_grey_images(tmp_path):
    cfg = toys.model_cfg(10)
    cfg['backbone']['in_channels'] = 1
    model = MODELS.build(cfg).eval()
    config = write_config(
        tmp_path / 'grey.py',
        model=cfg,
        data_preprocessor=dict(num_classes=10, mean=[72.94], std=[90.02]),
    )
    checkpoint = save(tmp_path / 'grey.pth', model.state_dict())
    classifier = load_config_classifier(config, checkpoint)
    assert (classifier.channels, classifier.num_classes()) == (1, 10)
    image = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        close(classifier.model(image), model((255 * image - 72.94) / 90.02))


@pytest.mark.parametrize(
    'img_size, given, expected',
    [(24, None, 24), ((32, 24), None, 24), (24, 40, 40)],
)
def test_input_size(tmp_path, img_size, given, expected):
    cfg = toys.model_cfg(data_preprocessor=dict(mean=toys.MEAN, std=toys.STD))
    cfg['backbone']['img_size'] = img_size
    model = MODELS.build(dict(cfg))
    config = write_config(tmp_path / 'a.py', model=cfg)
    checkpoint = save(tmp_path / 'a.pth', model.state_dict())
    classifier = load_config_classifier(config, checkpoint, given)
    assert classifier.input_size == expected


def test_input_size_of_a_backbone_that_has_none(tmp_path):
    cfg = dict(
        type='ImageClassifier',
        backbone=dict(type='MobileNetV2', widen_factor=0.1),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=1280),
        data_preprocessor=dict(mean=toys.MEAN, std=toys.STD),
    )
    config = write_config(tmp_path / 'a.py', model=cfg)
    checkpoint = save(tmp_path / 'a.pth', MODELS.build(cfg).state_dict())
    assert load_config_classifier(config, checkpoint).input_size == 224
    assert load_config_classifier(config, checkpoint, 32).num_classes() == 10


def test_another_number_of_classes(files, tmp_path):
    weights = MODELS.build(toys.model_cfg(10)).state_dict()
    path = save(tmp_path / 'ten.pth', weights)
    with pytest.raises(ValueError, match='ten.pth does not fit: 18 of') as e:
        load_config_classifier(files[0], path)
    assert 'different shapes: head.fc.weight' in str(e.value)
    assert 'number of classes' in str(e.value)


def test_weights_that_are_missing(files, model, tmp_path):
    """A pre-trained encoder, say: a random head would be evaluated."""
    weights = model.state_dict()
    del weights['head.fc.weight'], weights['head.fc.bias']
    path = save(tmp_path / 'a.pth', weights)
    with pytest.raises(ValueError, match='missing in the file: head.fc.weigh'):
        load_config_classifier(files[0], path)


def test_a_deeper_model(files, model, tmp_path):
    weights = model.state_dict()
    deeper = {
        key.replace('layers.0.', 'layers.1.'): value
        for key, value in weights.items()
    }
    path = save(tmp_path / 'a.pth', {**weights, **deeper})
    with pytest.raises(ValueError, match='not in the model: .*layers.1.') as e:
        load_config_classifier(files[0], path)
    assert 'different architecture' in str(e.value)


def test_what_is_left_over_and_ddp(files, model, images, tmp_path):
    weights = dict(model.state_dict(), mask_token=torch.zeros(1))
    weights = {f'module.{key}': value for key, value in weights.items()}
    path = save(tmp_path / 'a.pth', weights)
    classifier = load_config_classifier(files[0], path)
    close(classifier.model(images), toys.classify(model, images))


def test_a_misspelt_key_is_named(files):
    options = {'model.backbone.drop_path_rat': 0.1}
    with pytest.raises(ValueError, match='drop_path_rat.*drop_path_rate'):
        load_config_classifier(*files, cfg_options=options)


def test_what_is_no_classifier(files, tmp_path):
    config = write_config(tmp_path / 'a.py', data_preprocessor=dict())
    with pytest.raises(ValueError, match='a.py has no model'):
        load_config_classifier(config, files[1])
    backbone = toys.model_cfg()['backbone']
    config = write_config(tmp_path / 'b.py', model=backbone)
    with pytest.raises(ValueError, match='b.py is a VisionTransformer, not'):
        load_config_classifier(config, files[1])
    config = write_config(tmp_path / 'c.py', model=toys.model_cfg())
    with pytest.raises(ValueError, match='ClsDataPreprocessor has no mean'):
        load_config_classifier(config, files[1])
    for paths in (('absent.py', files[1]), (files[0], 'absent.pth')):
        with pytest.raises(FileNotFoundError, match='absent'):
            load_config_classifier(*paths)


def test_checksum(files, model, tmp_path):
    expected = load_config_classifier(*files).sha256()
    moved = toys.write_model(tmp_path / 'moved', model)
    classifier = load_config_classifier(*moved, device='cpu:0')
    assert classifier.sha256() == expected
    # The same weights, in another network.
    options = {'model.backbone.arch.num_heads': 4}
    other = load_config_classifier(*files, cfg_options=options)
    assert other.sha256() != expected
    mean = {'data_preprocessor.mean': [123.675, 116.28, 103.54]}
    other = load_config_classifier(*files, cfg_options=mean)
    assert other.sha256() != expected
    with torch.no_grad():
        model.head.fc.bias[999] += 1e-3
    changed = toys.write_model(tmp_path / 'changed', model)
    assert load_config_classifier(*changed).sha256() != expected


@pytest.fixture
def vit():
    model = timm.create_model(NAME, **toys.TIMM).eval()
    torch.nn.init.normal_(model.head.weight)
    return model


def load_timm(path, **options):
    options = {**toys.TIMM, **options}
    return load_timm_classifier(NAME, str(path), 16, options)


def test_timm_with_the_weights_of_a_file(vit, images, tmp_path):
    weights = vit.state_dict()
    last = {key: value + 1 for key, value in weights.items()}
    args = argparse.Namespace(lr=1.0)
    contents = {
        'flat.pth': weights,
        'state_dict.pth': dict(state_dict=weights, epoch=1),
        # MAE's and DeiT's have the command line beside.
        'model.pth': dict(model=weights, args=args, optimizer={}),
        # timm evaluates the averaged weights.
        'ema.pth': dict(state_dict=last, state_dict_ema=weights),
        'deit.pth': dict(model=last, model_ema=weights, args=args),
    }
    # Its published mean and standard deviation are 0.5.
    expected = vit((images - 0.5) / 0.5)
    sums = set()
    for name, content in contents.items():
        torch.save(content, tmp_path / name)
        classifier = load_timm(tmp_path / name)
        close(classifier.model(images), expected)
        assert classifier.name == NAME
        assert classifier.checkpoint == str(tmp_path / name)
        assert (classifier.input_size, classifier.num_classes()) == (16, 1000)
        sums.add(classifier.sha256())
    assert len(sums) == 1


@pytest.mark.parametrize('load', [load_config_classifier, load_config_encoder])
@pytest.mark.parametrize('inside', [True, False])
def test_pixels_are_normalised_as_in_training(files, tmp_path, load, inside):
    cfg = Config.fromfile(files[0])
    content = torch.load(files[1], weights_only=True)
    torch.save({**content, 'meta': {'cfg': cfg.pretty_text}}, files[1])
    load(*files)
    place = 'data_preprocessor'
    if inside:
        cfg.model.data_preprocessor = cfg.pop(place)
        place = 'model.data_preprocessor'
    cfg.dump(files[0])
    options = {f'{place}.std': [127.5] * 3}
    trained = f'{place}.std=[58.395,57.12,57.375].'
    with pytest.raises(
        ValueError, match=f'tiny.pth was .*{re.escape(trained)}'
    ):
        load(*files, cfg_options=options)
    # The config has others, and the options make them those of the weights.
    cfg.merge_from_dict(options)
    cfg.dump(files[0])
    load(*files, cfg_options={f'{place}.std': list(toys.STD)})


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_an_export_for_timm_keeps_its_normalisation(
    vit, images, tmp_path, suffix
):
    """That of the training, not that of timm's name for the network."""
    pixels = dict(mean=list(toys.MEAN), std=list(toys.STD), to_rgb=True)
    path = str(tmp_path / f'export{suffix}')
    if suffix == '.pth':
        meta = dict(normalization=pixels)
        torch.save(dict(state_dict=vit.state_dict(), meta=meta), path)
    else:
        meta = dict(normalization=json.dumps(pixels))
        save_file(vit.state_dict(), path, metadata=meta)
    found = load_timm(path)
    with torch.no_grad():
        close(found.model(images), vit(toys.normalize(images)))
    overlay = {'pretrained_cfg_overlay.mean': (0.1, 0.2, 0.3)}
    assert load_timm(path, **overlay).model.mean[0] == pytest.approx(25.5)


def test_timm_misfit(vit, tmp_path):
    path = save(tmp_path / 'a.pth', vit.state_dict(), 'model')
    with pytest.raises(ValueError, match='a.pth does not fit: 18 of 20 keys'):
        load_timm(path, num_classes=10)
    with pytest.raises(FileNotFoundError, match='absent'):
        load_timm(tmp_path / 'absent.pth')


def test_timm_options(vit, images, tmp_path):
    """Nested, too, and part of the checksum."""
    path = save(tmp_path / 'a.pth', vit.state_dict())
    expected = load_timm(path).sha256()
    mean = {'pretrained_cfg_overlay.mean': (0.25, 0.25, 0.25)}
    classifier = load_timm(path, **mean)
    close(classifier.model(images), vit((images - 0.25) / 0.5))
    assert classifier.sha256() != expected
    pooled = load_timm(path, global_pool='avg', fc_norm=False)
    vit.global_pool = 'avg'
    close(pooled.model(images), vit((images - 0.5) / 0.5))
    assert pooled.sha256() != expected


def test_timm_input_size(vit, tmp_path):
    path = save(tmp_path / 'a.pth', vit.state_dict())
    classifier = load_timm_classifier(NAME, path, options=toys.TIMM)
    assert classifier.input_size == 224
    with pytest.raises(ValueError, match='Is --input-size right'):
        classifier.num_classes()


def test_timm_downloads_only_without_a_checkpoint(vit, tmp_path, monkeypatch):
    asked = []

    def create_model(name, pretrained=False, **kwargs):
        asked.append((name, pretrained, kwargs))
        return vit

    monkeypatch.setattr(load_classifier.timm, 'create_model', create_model)
    path = save(tmp_path / 'a.pth', vit.state_dict())
    assert load_timm_classifier(NAME).checkpoint is None
    load_timm_classifier(NAME, path, options={'depth': 1})
    assert asked == [(NAME, True, {}), (NAME, False, {'depth': 1})]
