# Copyright (c) aemim_mm contributors. All rights reserved.
"""A tiny classifier of 1000 classes, and all data sets for it in miniature."""

import io
import json
import zlib
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from PIL import Image
from torchvision.transforms import functional as TF
from variant_trees import SYNSETS

from aemim_mm_cli.choices import CORRUPTIONS, SEVERITIES

SIZE = 16
# A model of timm that is as small.
TIMM = dict(img_size=SIZE, patch_size=8, embed_dim=32, depth=1, num_heads=2)
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
WNIDS = {label: wnid for wnid, label in SYNSETS.items()}
# Labels of the images, by the data set's default folder. Of the validation
# images, number 1 to 9 in this order.
LABELS = {
    'imagenet/val': [999, 6, 0, 1, 4, 987, 0, 1, 6],
    'imagenetv2-matched-frequency-format-val': [0, 1, 2, 10, 100, 999],
    'imagenet-a': [6, 987, 6, 987, 6],
    'imagenet-r': [1, 4, 6, 1, 4],
    'sketch': [0, 1, 4, 6, 987, 999, 0],
}
# Of the pictures, so many are of another class than they say.
PUZZLING = 4


def pixels(name, label):
    """A noisy 40 x 44 picture in the colours of its class."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if rng.random() < 1 / PUZZLING:
        label = rng.choice(list(SYNSETS.values()))
    coarse = np.random.default_rng(label).integers(0, 200, (2, 2, 3))
    image = coarse.repeat(20, 0).repeat(22, 1)
    return (image + rng.integers(0, 56, image.shape)).astype(np.uint8)


def write_data(root):
    """All trees; ImageNet-C with three images per cell."""
    root = Path(root)
    for folder, labels in LABELS.items():
        for i, label in enumerate(labels, 1):
            name = f'{WNIDS.get(label)}/picture_{i}.jpg'
            if folder == 'imagenet/val':
                name = f'{WNIDS[label]}/ILSVRC2012_val_{i:08d}.JPEG'
            elif folder.startswith('imagenetv2'):
                name = f'{label}/{i:040x}.jpeg'
            save(root / folder / name, pixels(name, label))
        (root / folder / 'README.txt').write_text('no picture')
    for corruption in CORRUPTIONS:
        for severity in SEVERITIES:
            write_cell(root, corruption, severity)
    return root


def write_cell(root, corruption, severity):
    """The first three validation images with noise."""
    rng = np.random.default_rng(severity)
    labels = LABELS['imagenet/val'][:3]
    for i, label in enumerate(labels, 1):
        name = f'{WNIDS[label]}/ILSVRC2012_val_{i:08d}.JPEG'
        image = pixels(corruption + name, label).astype(int)
        image += rng.integers(-20 * severity, 20 * severity, image.shape)
        path = root / 'imagenet-c' / corruption / str(severity) / name
        save(path, image.clip(0, 255).astype(np.uint8))


def save(path, image):
    """Write a JPEG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, 'JPEG', quality=95)
    path.write_bytes(buffer.getvalue())


def model_cfg(num_classes=1000, **options):
    """Its model part: a ViT with one layer."""
    return dict(
        type='ImageClassifier',
        backbone=dict(
            type='VisionTransformer',
            arch=dict(
                embed_dims=32,
                num_layers=1,
                num_heads=2,
                feedforward_channels=32,
            ),
            img_size=SIZE,
            patch_size=8,
            out_type='avg_featmap',
            final_norm=False,
            # Is not there, and not needed.
            init_cfg=dict(type='Pretrained', checkpoint='absent.pth'),
        ),
        head=dict(
            type='LinearClsHead', num_classes=num_classes, in_channels=32
        ),
        **options,
    )


def build(num_classes=1000, seed=0):
    """The classifier, fitted to pictures like those of the data sets."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        model = MODELS.build(model_cfg(num_classes))
    model.eval()
    labels = [label for v in LABELS.values() for label in v if label < 1000]
    known = sorted(set(labels) & set(range(num_classes)))
    images, targets = [], []
    for label in known:
        for i in range(8):
            image = pixels(f'{seed} {i} of {label}', label)
            images.append(normalize(preprocess(Image.fromarray(image))))
            targets.append(label)
    with torch.no_grad():
        features = model.extract_feat(torch.stack(images))[-1]
        features = torch.cat([features, torch.ones(len(images), 1)], 1)
        goal = torch.full((len(images), num_classes), -1.0)
        goal[range(len(images)), targets] = 1.0
        # A classifier that doubts: most images can be attacked.
        ridge = features.T @ features + 0.1 * torch.eye(33)
        weight = torch.linalg.solve(ridge, features.T @ goal)
        model.head.fc.weight.copy_(weight[:-1].T)
        model.head.fc.bias.copy_(weight[-1])
    return model


def write_model(folder, model, num_classes=1000, **cfg):
    """CONFIG and CHECKPOINT of a classifier."""
    cfg = dict(
        model=model_cfg(num_classes),
        data_preprocessor=dict(
            num_classes=num_classes, mean=MEAN, std=STD, to_rgb=True
        ),
        **cfg,
    )
    folder.mkdir(parents=True, exist_ok=True)
    Config(cfg).dump(str(folder / 'tiny.py'))
    torch.save(dict(state_dict=model.state_dict()), folder / 'tiny.pth')
    return str(folder / 'tiny.py'), str(folder / 'tiny.pth')


def preprocess(image, resize=True):
    """torchvision's transforms; (3, 16, 16) in [0, 1]."""
    size = int(SIZE / 0.875) if resize else SIZE
    image = TF.resize(image, size, TF.InterpolationMode.BICUBIC)
    return TF.to_tensor(TF.center_crop(image, [SIZE, SIZE]))


def normalize(images):
    """Images in [0, 1] as the model takes them."""
    mean, std = torch.tensor([MEAN, STD]).view(2, 3, 1, 1)
    return (255 * images - mean) / std


def load(root, label_of, resize=True):
    """Images in [0, 1], labels and relative paths, in the order of paths."""
    paths = sorted(p for p in Path(root).glob('*/*') if p.is_file())
    images = [
        preprocess(Image.open(path).convert('RGB'), resize) for path in paths
    ]
    labels = torch.tensor([label_of(path) for path in paths])
    return torch.stack(images), labels, paths


def by_wnid(path):
    """The label of an image in a folder with a WordNet id."""
    return SYNSETS[path.parent.name]


def classify(model, images):
    """Logits of images in [0, 1]."""
    with torch.no_grad():
        return model(normalize(images))


def read_json(path):
    """Content of a JSON file."""
    return json.loads(Path(path).read_text())
