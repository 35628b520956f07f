# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmengine.dataset import default_collate, pseudo_collate
from mmpretrain.structures import DataSample

from aemim_mm.evaluation import pixel_batches

# BGR: a blue image, and one in which every channel has a value of its own.
IMAGES = torch.tensor([[255, 0, 0], [51, 102, 204]], dtype=torch.uint8)
IMAGES = IMAGES.view(2, 3, 1, 1).expand(2, 3, 2, 2)


def items(images=IMAGES, labels=(3, 1)):
    """What a data set of mmpretrain yields, last image first."""
    result = []
    for place, label in enumerate(labels):
        sample = DataSample(metainfo=dict(sample_idx=10 - place))
        sample.set_gt_label(label)
        result.append(dict(inputs=images[place], data_samples=sample))
    return result


@pytest.mark.parametrize('collate', [default_collate, pseudo_collate])
def test_rgb_between_0_and_1(collate):
    (batch,) = pixel_batches([collate(items())])
    x, y, indices = batch
    assert x.dtype == torch.float32 and x.shape == (2, 3, 2, 2)
    torch.testing.assert_close(
        x[:, :, 0, 0], torch.tensor([[0, 0, 1], [0.8, 0.4, 0.2]])
    )
    assert y.tolist() == [3, 1] and indices.tolist() == [10, 9]
    (batch,) = pixel_batches([collate(items())], bgr=False)
    assert batch.images[0, :, 0, 0].tolist() == [1, 0, 0]


def test_grey_images_have_no_order():
    grey = IMAGES[:, 1:2]
    (batch,) = pixel_batches([default_collate(items(grey))])
    torch.testing.assert_close(
        batch.images[:, 0, 0, 0], torch.tensor([0, 0.4])
    )


def test_refuses_normalised_images():
    data = default_collate(items(IMAGES.float()))
    with pytest.raises(ValueError, match='uint8 pixels, but got torch.float'):
        next(pixel_batches([data]))


def test_refuses_several_sizes():
    data = pseudo_collate(items([IMAGES[0], IMAGES[1, :, :1]]))
    with pytest.raises(ValueError, match=r'one size .*\(3, 1, 2\)'):
        next(pixel_batches([data]))


def test_needs_index_and_label():
    data = default_collate(items())
    data['data_samples'][1] = DataSample().set_gt_label(1)
    with pytest.raises(ValueError, match='must have its sample_idx'):
        next(pixel_batches([data]))
    data['data_samples'][1] = DataSample(metainfo=dict(sample_idx=1))
    with pytest.raises(ValueError, match='exactly one gt_label'):
        next(pixel_batches([data]))
