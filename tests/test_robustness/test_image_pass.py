# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
import robustness_toys as toys
import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from PIL import Image

from aemim_mm.attacks import PGDAttack
from aemim_mm.evaluation import PixelClassifier
from aemim_mm.robustness import EvaluatedClassifier, Loading
from aemim_mm.robustness.cells import Cell
from aemim_mm.robustness.image_pass import (
    _gathered,
    build_loader,
    run_pass,
)
from aemim_mm.robustness.sources import ImageSource

TOP1 = dict(type='SubsetAccuracy')
# Batches of 4, 4 and 1.
LOADING = Loading(batch_size=4, num_workers=0)


@pytest.fixture(scope='module')
def model():
    init_default_scope('mmpretrain')
    return toys.build()


@pytest.fixture
def classifier(model):
    scale = [tuple(v / 255 for v in row) for row in (toys.MEAN, toys.STD)]
    return EvaluatedClassifier(
        'tiny', PixelClassifier(model, *scale), 16, None, ''
    )


def test_every_image_is_judged():
    index, right = torch.tensor([0, 2]), torch.ones(2, dtype=torch.int8)
    with pytest.raises(RuntimeError, match='judged 2 of 3 images'):
        _gathered([index], [right], 3)


def val(data, **options):
    return Cell('imagenet', source(data, 'imagenet/val'), **options)


def source(data, folder, variant='imagenet'):
    return ImageSource(variant, variant, str(data / folder))


def run(cells, images, classifier, loading=LOADING):
    """The results; what the model saw, and returned; number of ticks."""
    seen, logits, ticks = [], [], []

    def keep(_, args, output):
        seen.append(args[0])
        logits.append(output)

    hook = classifier.model.register_forward_hook(keep)
    loader = build_loader(cells[0], images, classifier, loading)
    arrays = run_pass(cells, loader, classifier, lambda: ticks.append(1))
    hook.remove()
    return arrays, torch.cat(seen).detach(), torch.cat(logits), len(ticks)


def check_images(found, model, expected):
    """Bit for bit the oracle's images, and its logits."""
    _, seen, logits, _ = found
    assert torch.equal(seen, expected)
    torch.testing.assert_close(
        logits, toys.classify(model, expected), atol=1e-5, rtol=1e-5
    )


def test_clean_images(data, model, classifier):
    cell = val(data, metric=TOP1)
    found = run([cell], 9, classifier)
    images, labels, _ = toys.load(data / 'imagenet/val', toys.by_wnid)
    check_images(found, model, images)
    ((arrays,), _, logits, ticks) = found
    assert ticks == 3
    assert arrays['index'].tolist() == list(range(9))
    assert arrays['correct'].dtype == np.int8
    expected = toys.classify(model, images).argmax(1) == labels
    assert arrays['correct'].tolist() == expected.int().tolist()


def test_corrupted_images_are_not_cropped(data, model, classifier):
    folder = 'imagenet-c/fog/3'
    cell = Cell('c/fog/3', source(data, folder, 'c'), TOP1)
    images, _, _ = toys.load(data / folder, toys.by_wnid, resize=False)
    check_images(run([cell], 3, classifier), model, images)


def test_several_cells_of_the_same_images_share_the_pass(data, classifier):
    cells = [
        val(data, metric=TOP1),
        val(data, metric=dict(TOP1, subset=None, masked=False)),
        val(data, metric=dict(type='RealAccuracy')),
    ]
    arrays, seen, _, _ = run(cells, 9, classifier)
    assert len(seen) == 9
    for cell, together in zip(cells, arrays, strict=True):
        ((alone,), *_) = run([cell], 9, classifier)
        assert together['index'].tolist() == list(range(9))
        assert (together['correct'] == alone['correct']).all()
    # The first image has no labels in ReaL: it lies in the last folder.
    assert arrays[2]['correct'].tolist().index(-1) == 8


def native(folder, sizes):
    """Pictures of these sizes that lie in a class folder."""
    rng = np.random.default_rng(0)
    folder = folder / 'n01440764'
    folder.mkdir(parents=True)
    images = []
    for i, (width, height) in enumerate(sizes):
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f'{i}.png')
        images.append(torch.from_numpy(pixels).permute(2, 0, 1) / 255)
    return images


def test_native_images_are_taken_as_they_are(tmp_path, model, classifier):
    images = native(tmp_path, [(16, 16)] * 3)
    cell = Cell('imagenet', source(tmp_path, ''), TOP1)
    loading = Loading(2, 0, native=True)
    check_images(
        run([cell], 3, classifier, loading), model, torch.stack(images)
    )
    # Else they are resized to 18 pixels first.
    _, seen, _, _ = run([cell], 3, classifier)
    assert not torch.equal(seen, torch.stack(images))


def test_native_images_of_another_size(tmp_path, classifier):
    native(tmp_path, [(16, 16), (16, 17)])
    cell = Cell('imagenet', source(tmp_path, ''), TOP1)
    with pytest.raises(ValueError, match='1.png has 16 x 17 pixels, but 16 x'):
        run([cell], 2, classifier, Loading(2, 0, native=True))


def test_grey_model(data):
    cfg = toys.model_cfg()
    cfg['backbone']['in_channels'] = 1
    model = MODELS.build(cfg).eval()
    grey = EvaluatedClassifier(
        'g', PixelClassifier(model, [0.25], [0.5]), 16, None, ''
    )
    _, seen, logits, _ = run([val(data, metric=TOP1)], 9, grey)
    assert seen.shape == (9, 1, 16, 16)
    images, _, _ = toys.load(data / 'imagenet/val', toys.by_wnid)
    # Luma; the picture was rounded once before, and once after.
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    luma = (weights * images).sum(1, keepdim=True)
    assert (seen - luma).abs().max() < 4 / 255
    with torch.no_grad():
        expected = model((seen - 0.25) / 0.5)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('count', [8, 10])
def test_another_number_of_images_than_at_the_start(data, classifier, count):
    cell = val(data, metric=TOP1)
    with pytest.raises(
        ValueError, match=f'had {count} images when .*, and has 9 now'
    ):
        build_loader(cell, count, classifier, LOADING)


def test_indices_of_a_part_are_places_in_the_whole_source(data, classifier):
    whole = build_loader(val(data, metric=TOP1), 9, classifier, LOADING)
    names = [s.img_path for b in whole for s in b['data_samples']]
    part = val(data, metric=TOP1, start=4, stop=9)
    loader = build_loader(part, 9, classifier, LOADING)
    samples = [s for batch in loader for s in batch['data_samples']]
    assert [s.sample_idx for s in samples] == [4, 5, 6, 7, 8]
    assert [s.img_path for s in samples] == names[4:]
    ((arrays,), *_) = run([part], 9, classifier)
    assert arrays['index'].tolist() == [4, 5, 6, 7, 8]


@pytest.mark.parametrize('epsilon', [0.002, None])
def test_parts_of_an_attack_give_the_same_as_the_whole(
    data, classifier, epsilon
):
    # Few steps: where an image starts decides about it.
    attack = PGDAttack(num_steps=1, relative_step=0.1)
    cell = val(data, attack=attack, epsilon=epsilon)
    # In one batch, so that an image has another place in its own.
    ((whole,), *_) = run([cell], 9, classifier, Loading(9, num_workers=0))
    parts = [
        run([part], 9, classifier)[0][0] for part in cell.split(9, size=4)
    ]
    assert [len(part['index']) for part in parts] == [4, 4, 1]
    for key, values in whole.items():
        joined = np.concatenate([part[key] for part in parts])
        assert joined.tolist() == values.tolist()
    if epsilon is None:
        assert whole['epsilon'].dtype == np.float64
        assert len(set(whole['epsilon'])) > 5
        shifted = val(data, attack=PGDAttack(1, 0.1, seed=1))
        ((other,), *_) = run([shifted], 9, classifier)
        assert (other['epsilon'] != whole['epsilon']).sum() > 5


def test_misclassified_images_can_be_left_alone(data, classifier):
    """Class 6 is wrong everywhere: with the rest 7 images are attacked."""
    head = classifier.model.model.head.fc
    bias = head.bias.clone()
    head.bias[6] -= 9
    try:
        for skip, images in ((False, 2 * 9), (True, 9 + 2 * 7)):
            cell = val(
                data,
                attack=PGDAttack(num_steps=1),
                epsilon=0.01,
                skip_misclassified=skip,
            )
            (_, seen, *_) = run([cell], 9, classifier)
            assert len(seen) == images
    finally:
        head.bias.copy_(bias)


def test_none_that_counts(data, classifier):
    # Number 1, without labels in ReaL, is the last one in the folders.
    cell = val(data, metric=dict(type='RealAccuracy'), start=8, stop=9)
    with pytest.raises(ValueError, match='none of the 1 images has labels'):
        run([cell], 9, classifier)


def test_logits_that_are_no_numbers(data, classifier):
    hook = classifier.model.model.register_forward_hook(
        lambda *args: args[2] * float('nan')
    )
    try:
        with pytest.raises(ValueError, match='tiny returned logits that are'):
            run([val(data, metric=TOP1)], 9, classifier)
    finally:
        hook.remove()
