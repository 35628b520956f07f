# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import pytest
import timm
import torch
from PIL import Image
from states import assert_equal_states
from timm.data import create_transform
from toys import MEAN, STD

from aemim_mm.export import export_backbone
from aemim_mm.export.timm_folder import evaluated_images


@pytest.mark.parametrize('kind', ['aemim', 'token', 'avg', 'swin', 'simmim'])
def test_timm_opens_the_folder(zoo, kind, tmp_path):
    out = tmp_path / 'mine'
    export = export_backbone(
        zoo.save(kind), f'{out}/', 'timm', check=True, license='mit'
    )
    assert export.differences['features'] < 1e-5
    assert (
        export.load == f"timm.create_model('local-dir:{out}', pretrained=True)"
    )
    model = eval(export.load, dict(timm=timm))
    data = timm.data.resolve_model_data_config(model)
    assert data['mean'] == pytest.approx([v / 255 for v in MEAN], abs=1e-6)
    assert data['std'] == pytest.approx([v / 255 for v in STD], abs=1e-6)
    assert data['crop_pct'] == 0.875
    assert data['interpolation'] == 'bicubic'
    size = 64 if kind in ('swin', 'simmim') else 32
    assert data['input_size'] == (3, size, size)
    # Nothing of what timm says of weights of its own.
    config = json.loads((out / 'config.json').read_text())
    cfg = config['pretrained_cfg']
    assert cfg['license'] == 'mit'
    assert cfg['tag'] == dict(aemim='aemim_mae', simmim='simmim').get(
        kind, 'imageclassifier'
    )
    assert not {'hf_hub_id', 'url', 'paper_ids', 'origin_url'} & set(cfg)
    assert config['aemim_mm']['license'] == 'mit'


def test_difference_is_zero_for_a_folder_and_a_file_alike(zoo, tmp_path):
    file = zoo.save('aemim')
    for out in ('a.pth', 'folder'):
        export = export_backbone(file, tmp_path / out, 'timm')
        assert export.num_tensors == 30
    state = torch.load(tmp_path / 'a.pth', weights_only=True)['state_dict']
    model = timm.create_model(
        f'local-dir:{tmp_path / "folder"}', pretrained=True
    )
    assert_equal_states(model, state)


def test_card_says_what_the_metadata_say(zoo, tmp_path):
    file = zoo.save('aemim')
    content = torch.load(file, weights_only=False)
    source = dict(source='https://x/mae', license='cc-by-nc-4.0')
    content['meta']['started_from'] = [source]
    torch.save(content, file)
    export_backbone(file, tmp_path / 'mine', 'timm')
    card = (tmp_path / 'mine' / 'README.md').read_text()
    assert 'license: cc-by-nc-4.0\n' in card
    assert 'apache' not in card
    assert 'https://x/mae (cc-by-nc-4.0)' in card
    assert "timm.create_model('local-dir:mine', pretrained=True)" in card
    assert 'pipeline_tag: image-feature-extraction' in card
    assert 'FeatureDistancePGD' in card
    # A licence of one's own cannot replace the one that came along.
    with pytest.raises(ValueError, match='--license mit.*cc-by-nc-4.0'):
        export_backbone(file, tmp_path / 'o.pth', 'timm', license='mit')


def test_unknown_licence_is_said(zoo, tmp_path):
    export_backbone(zoo.save('swin'), tmp_path / 'mine', 'timm')
    card = (tmp_path / 'mine' / 'README.md').read_text()
    assert 'license: other\nlicense_name: unknown\n' in card
    assert 'swin.pth (unknown)' in card


def test_folders_that_are_in_use(zoo, tmp_path):
    file, out = zoo.save('token'), tmp_path / 'mine'
    out.mkdir()
    (out / 'note.txt').write_text('keep')
    with pytest.raises(ValueError, match='--force'):
        export_backbone(file, out, 'timm')
    export_backbone(file, out, 'timm', force=True)
    assert (out / 'note.txt').read_text() == 'keep'
    with pytest.raises(ValueError, match='suffix'):
        export_backbone(file, tmp_path / 'folder', 'mmdet')


def test_normalisation_must_be_known(zoo, tmp_path):
    file = zoo.save('swin', config=False)
    with pytest.raises(ValueError, match='mean and deviation.*--config'):
        export_backbone(file, tmp_path / 'mine', 'timm')
    assert not (tmp_path / 'mine').exists()


EDGE = dict(type='ResizeEdge', scale=248)
BICUBIC = dict(EDGE, interpolation='bicubic')
SQUARE = dict(type='mmcv.Resize', scale=(384, 384), interpolation='area')
CROP = dict(type='CenterCrop', crop_size=224)
PACK = dict(type='PackInputs')


@pytest.mark.parametrize(
    'steps, expected',
    [
        ([BICUBIC, CROP, PACK], (0.9032, 'center', 'bicubic')),
        # mmpretrain's default
        ([EDGE, CROP, PACK], (0.9032, 'center', 'bilinear')),
        ([EDGE, PACK], (1.0, 'center', 'bilinear')),
        # Swin of 384 pixels: the whole image, out of shape
        ([SQUARE, PACK], (1.0, 'squash', 'box')),
        ([dict(SQUARE, keep_ratio=True), PACK], (1.0, 'center', 'box')),
        (
            [dict(type='Resize', scale=(248, 248)), CROP],
            (0.9032, 'squash', 'bilinear'),
        ),
        # Images that have the input's size
        ([PACK], (1.0, 'center', 'bicubic')),
        ([CROP], (0.875, 'center', 'bicubic')),
        ([], (0.875, 'center', 'bicubic')),
    ],
)
def test_images_are_evaluated_as_in_the_config(steps, expected):
    config = dict(test_dataloader=dict(dataset=dict(pipeline=steps)))
    keys = 'crop_pct', 'crop_mode', 'interpolation'
    expected = dict(zip(keys, expected, strict=True))
    assert evaluated_images(config) == expected
    config['val_dataloader'] = config.pop('test_dataloader')
    assert evaluated_images(config) == expected
    # timm makes transforms of it.
    transform = create_transform(224, **expected)
    image = Image.new('RGB', (300, 200))
    assert transform(image).shape == (3, 224, 224)


def test_images_without_a_config():
    assert evaluated_images({}) == evaluated_images(dict(val_dataloader=None))
