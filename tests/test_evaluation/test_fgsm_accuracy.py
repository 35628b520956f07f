# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.models import ImageClassifier, LinearClsHead
from mmpretrain.structures import DataSample
from torch import nn

from aemim_mm.evaluation import fgsm_accuracy

# Grey images of one pixel. The classifier says 1 if the pixel is > 127.5, so
# a budget fools it exactly where a pixel is nearer to 127.5 than that. The
# last image is labelled wrongly.
PIXELS = [100, 124, 126, 129, 135, 200, 90]
LABELS = [0, 0, 0, 1, 1, 1, 1]
EXPECTED = {'0': 600 / 7, '1': 600 / 7, '2.5': 400 / 7, '8': 200 / 7}


class Pixels(nn.Module):
    """Features are the pixels; in train mode dropout spoils them."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.9)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return (self.drop(x.flatten(1)) * self.scale,)


def classifier(**preprocessor):
    preprocessor = preprocessor or dict(mean=[70.0], std=[90.0])
    head = LinearClsHead(num_classes=2, in_channels=1)
    model = ImageClassifier(
        Pixels(), head=head, data_preprocessor=preprocessor
    )
    threshold = (127.5 - 70) / 90
    head.fc.weight.data = torch.tensor([[-1.0], [1.0]])
    head.fc.bias.data = torch.tensor([threshold, -threshold])
    return model


def batches(sizes=(5, 2)):
    """Uneven batches: a mean of the batches' accuracies would be wrong."""
    pixels = torch.tensor(PIXELS, dtype=torch.uint8).view(-1, 1, 1, 1)
    samples = [DataSample().set_gt_label(label) for label in LABELS]
    result, start = [], 0
    for size in sizes:
        stop = start + size
        result.append(
            dict(inputs=pixels[start:stop], data_samples=samples[start:stop])
        )
        start = stop
    return result


def test_accuracy_by_hand():
    accuracy = fgsm_accuracy(classifier(), batches(), [0, 1, 2.5, 8])
    assert accuracy == pytest.approx(EXPECTED)


@pytest.mark.parametrize('mode', [torch.no_grad, torch.inference_mode])
def test_works_where_gradients_are_off(mode):
    model = classifier()
    expected = fgsm_accuracy(model, batches(), [8])
    with mode():
        assert fgsm_accuracy(model, batches(), [8]) == expected
    assert expected['8'] == pytest.approx(200 / 7)


def test_leaves_the_classifier_as_it_was():
    model = classifier()
    model.train()
    model.head.eval()
    modes = [module.training for module in model.modules()]
    fgsm_accuracy(model, batches(), [8])
    assert [module.training for module in model.modules()] == modes
    assert all(p.grad is None for p in model.parameters())


def test_needs_mean_and_std():
    model = classifier(pad_size_divisor=1)
    with pytest.raises(ValueError, match='ClsDataPreprocessor has no mean'):
        fgsm_accuracy(model, batches(), [2])


def test_needs_one_label_per_image():
    data = batches()
    data[1]['data_samples'] = [DataSample(), DataSample()]
    with pytest.raises(ValueError, match='exactly one gt_label, but got None'):
        fgsm_accuracy(classifier(), data, [2])


def test_needs_images():
    with pytest.raises(ValueError, match='empty'):
        fgsm_accuracy(classifier(), [], [2])


@pytest.mark.parametrize('epsilon', [-1, 256, float('nan')])
def test_refuses_a_budget_outside_the_pixel_range(epsilon):
    with pytest.raises(ValueError, match=f'0, 255.* but got {epsilon}'):
        fgsm_accuracy(classifier(), batches(), [2, epsilon])


def test_needs_whole_pixel_values():
    data = batches()
    data[0]['inputs'] = data[0]['inputs'].float()
    with pytest.raises(ValueError, match='must be uint8'):
        fgsm_accuracy(classifier(), data, [2])
