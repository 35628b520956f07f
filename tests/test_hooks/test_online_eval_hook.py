# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import numpy as np
import pytest
import torch
from drawing_runs import train
from mmpretrain.models import VisionTransformer
from PIL import Image
from toys import METHODS, build_stock

from aemim_mm.hooks import OnlineEvalHook

PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


@pytest.fixture
def labelled(tmp_path):
    """Red, green and blue noise: easy to tell apart."""
    rng = np.random.default_rng(0)
    for index in range(36):
        split = 'train' if index < 24 else 'val'
        path = tmp_path / f'labelled/{split}/{index % 3}/{index}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 60, (32, 32, 3), dtype=np.uint8)
        pixels[..., index % 3] += 190
        Image.fromarray(pixels).save(path)
    return tmp_path / 'labelled'


def curves(work_dir):
    (file,) = work_dir.glob('*/vis_data/scalars.json')
    entries = map(json.loads, file.read_text().splitlines())
    return [entry for entry in entries if 'online/knn' in entry]


def hook(labelled, **options):
    return dict(
        type='OnlineEvalHook',
        data_root=str(labelled),
        pipeline=PIPELINE,
        **options,
    )


def test_curves_and_an_undisturbed_training(labelled, tmp_path):
    losses = train(tmp_path / 'with', [hook(labelled, interval=2, k=3)])
    found = curves(tmp_path / 'with')
    # before, after two epochs, at the end
    assert [entry['step'] for entry in found] == [0, 2, 3]
    for entry in found:
        assert entry['online/linear'] == entry['online/knn'] == 100
        assert 1 <= entry['online/rankme'] <= 24
    assert found[0]['online/rankme'] != found[2]['online/rankme']
    assert losses == train(tmp_path / 'without', [])


def test_by_iteration_and_in_tensorboard(labelled, tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )

    train(
        tmp_path / 'run',
        [hook(labelled, interval=2, by_epoch=False, max_images=6)],
        visualizer=dict(
            type='Visualizer',
            vis_backends=[
                dict(type='LocalVisBackend'),
                dict(type='TensorboardVisBackend'),
            ],
        ),
    )
    (folder,) = (tmp_path / 'run').glob('*/vis_data')
    events = EventAccumulator(str(folder)).Reload()
    assert events.Scalars('online/knn')[0].step == 0


@pytest.mark.parametrize(
    'toy',
    [
        *('SimMIM', 'MAE-DualNormViT', 'MixMIM', 'BEiT-v1', 'BEiT-v2', 'CAE'),
        *('CIM', 'MFF'),
    ],
)
def test_features_of_stock_methods(toy, labelled):
    """The mean of the patches of the whole image."""
    model = build_stock(toy).eval()
    runner = type('R', (), dict(cfg={}))()
    resize = dict(type='Resize', scale=(METHODS[toy].size,) * 2)
    pipeline = [PIPELINE[0], resize, PIPELINE[1]]
    measured = OnlineEvalHook(str(labelled), pipeline=pipeline, batch_size=5)
    dataset = measured._open(runner, 'val')
    with torch.no_grad():
        features, labels = measured._features(model, dataset)
        item = dataset[7]
        data = dict(inputs=item['inputs'][None], data_samples=None)
        data['data_samples'] = [item['data_samples']]
        if METHODS[toy].views == 2:
            data['inputs'] = [data['inputs']] * 2
        inputs = model.data_preprocessor(data, False)['inputs']
        inputs = inputs[0] if METHODS[toy].views == 2 else inputs
        mask = () if toy == 'CIM' else (None,)
        output = model.backbone(inputs, *mask)
        if toy == 'MFF':  # it masks nevertheless
            output = VisionTransformer.forward(model.backbone, inputs)
        output = output[-1] if isinstance(output, tuple) else output
    if output.ndim == 4:
        expected = output.mean((2, 3))
    elif toy == 'MixMIM':
        expected = output
    else:
        expected = output[:, 1:].mean(1)
    torch.testing.assert_close(features[7:8], expected)
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_encoders_without_mask_are_refused(labelled):
    runner = type('R', (), dict(cfg={}, model=build_stock('SparK-ResNet')))()
    measured = OnlineEvalHook(str(labelled), pipeline=PIPELINE)
    with pytest.raises(ValueError, match='ResNet does not encode whole'):
        measured.before_train(runner)


@pytest.mark.parametrize('name', ['interval', 'max_images', 'batch_size', 'k'])
def test_numbers_below_one(name):
    with pytest.raises(ValueError, match=rf'{name} must be >= 1, but got 0'):
        OnlineEvalHook('x', **{name: 0})


def test_folders_that_do_not_fit(labelled, tmp_path):
    (labelled / 'val/2').rename(labelled / 'val/3')
    with pytest.raises(ValueError, match="train has the classes .*'2'"):
        train(tmp_path / 'run', [hook(labelled)])
