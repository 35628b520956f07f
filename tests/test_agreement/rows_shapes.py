# Copyright (c) aemim_mm contributors. All rights reserved.
"""Sizes that two parts of a model, or the model and its images, state."""

from test_agreement.rows_ranges import PIPELINE, run_of
from test_agreement.table import Row, classification, pretraining

NECK = 'model.neck'
SMALL = dict(
    type='VisionTransformer', arch='deit-small', img_size=32, patch_size=8
)
MASKS = dict(
    type='SimMIMMaskGenerator',
    input_size=64,
    mask_patch_size=32,
    model_patch_size=4,
    mask_ratio=0.6,
)


def adversarial(folder):
    """The config of healthy AEMIM pre-training."""
    cfg = pretraining(folder)
    cfg['model'].update(
        type='AEMIMAlgorithm',
        method='MAE',
        attack=dict(type='FeatureDistancePGD', epsilon=2, num_steps=2),
    )
    return cfg


def with_masks(folder):
    """Pre-training whose images come with masks."""
    cfg = pretraining(folder)
    pipeline = cfg['train_dataloader']['dataset']['pipeline']
    pipeline.insert(2, MASKS)
    return cfg


def repeated(folder):
    """Pre-training on every image twice."""
    cfg = pretraining(folder)
    loader = cfg['train_dataloader']
    loader['dataset'] = dict(
        type='RepeatDataset', times=2, dataset=loader['dataset']
    )
    return cfg


WRAPPED = 'train_dataloader.dataset.dataset.pipeline'
# 2 x 8 patches of 8 x 8
WIDE = {
    'model.backbone.type': 'DualNormViT',
    'model.neck.type': 'MAEMaskedDecoder',
    'model.head.type': 'MAEMaskedHead',
    **{f'model.{p}.img_size': (16, 64) for p in ('backbone', 'neck', 'head')},
}
CROP = dict(type='torchvision/RandomResizedCrop', scale=(0.2, 1.0))


def cut_by(**transform):
    """Pre-training on rectangles, which this transform makes."""

    def make(folder):
        cfg = pretraining(folder)
        cfg['train_dataloader']['dataset']['pipeline'][1] = transform
        return cfg

    return run_of(make, WIDE)


ROWS = [
    Row(
        'decoder of another width',
        run_of(pretraining, {f'{NECK}.embed_dim': 16}),
        (
            'model.neck.embed_dim=16',
            'model.backbone.arch.embed_dims gives 32',
            'Set model.neck.embed_dim=32',
        ),
    ),
    Row(
        'decoder of another width than a named encoder',
        run_of(pretraining, {'model.backbone.arch': 'b'}),
        ('model.neck.embed_dim=32', 'model.backbone.arch=b gives 768'),
    ),
    Row(
        'decoder of other patches',
        run_of(pretraining, {f'{NECK}.num_patches': 49}),
        (
            'model.neck.num_patches=49',
            'model.backbone.img_size=32 in patches of 8 pixels gives 16',
        ),
    ),
    Row(
        'encoder of other images than decoder',
        run_of(
            pretraining,
            {'model.backbone.img_size': 64, f'{PIPELINE}.1.scale': 64},
        ),
        ('model.neck.num_patches=16', 'model.backbone.img_size=64', '64.'),
    ),
    Row(
        'decoder of squares, encoder of a rectangle',
        run_of(
            pretraining,
            {
                'model.backbone.img_size': (16, 64),
                f'{PIPELINE}.1.scale': (16, 64),
            },
        ),
        ('model.backbone.img_size=(16, 64)', 'set model.neck.img_size'),
    ),
    Row(
        'decoder of other patch size',
        run_of(pretraining, {f'{NECK}.patch_size': 16}),
        ('model.neck.patch_size=16', 'model.backbone.patch_size is 8'),
    ),
    Row(
        'loss of other patch size',
        run_of(adversarial, {'model.head.patch_size': 16}),
        ('model.head.patch_size=16', 'model.backbone.patch_size is 8'),
    ),
    Row(
        'nothing masked',
        run_of(
            pretraining,
            {
                'model.backbone.type': 'DualNormViT',
                'model.backbone.mask_ratio': 0,
            },
        ),
        ('model.backbone.mask_ratio=0', 'model.neck', 'above 0'),
    ),
    Row(
        'crops of another size than the encoder masks',
        run_of(pretraining, {f'{PIPELINE}.1.scale': 64}),
        (f'{PIPELINE}.1.scale=64', 'model.backbone.img_size=32'),
    ),
    Row(
        'crops of another size in a wrapper',
        run_of(repeated, {f'{WRAPPED}.1.scale': 48}),
        (f'{WRAPPED}.1.scale=48', 'model.backbone.img_size=32'),
    ),
    Row(
        'crops of torchvision of another size',
        run_of(pretraining, {f'{PIPELINE}.1': {**CROP, 'size': 48}}),
        (f'{PIPELINE}.1.size=48', 'model.backbone.img_size=32'),
    ),
    Row(
        'crops of torchvision',
        run_of(pretraining, {f'{PIPELINE}.1': {**CROP, 'size': 32}}),
    ),
    Row(
        'a centre crop takes the width first',
        cut_by(type='CenterCrop', crop_size=(16, 64)),
        (f'{PIPELINE}.1.crop_size[::-1]=(64, 16)', 'img_size=(16, 64)'),
    ),
    Row(
        'a centre crop of a rectangle',
        cut_by(type='CenterCrop', crop_size=(64, 16)),
    ),
    Row(
        'whole images of a rectangle',
        cut_by(type='FitToEncoder', img_size=(16, 64)),
    ),
    Row(
        'crops of another size than masks that come with them',
        run_of(with_masks, {}),
        (f'{PIPELINE}.1.scale=32', f'{PIPELINE}.2.input_size=64'),
    ),
    Row(
        'head of another width',
        run_of(classification, {'model.head.in_channels': 64}),
        ('model.head.in_channels=64', 'arch.embed_dims gives 32'),
    ),
    Row(
        'head of another width than a named encoder',
        run_of(classification, {'model.backbone': SMALL}),
        (
            'model.head.in_channels=32',
            'model.backbone.arch=deit-small gives 384',
        ),
    ),
    Row(
        'linear probe of another width',
        run_of(
            classification,
            {'model.neck': dict(type='ClsBatchNormNeck', input_features=16)},
        ),
        ('model.neck.input_features=16', 'arch.embed_dims gives 32'),
    ),
    Row(
        'head behind pooled windows of another width',
        run_of(
            classification,
            {
                'model.backbone': dict(type='SwinTransformer', arch='tiny'),
                'model.neck': dict(type='GlobalAveragePooling'),
            },
        ),
        ('model.head.in_channels=32', 'model.backbone.arch=tiny gives 768'),
    ),
    Row(
        'healthy classifier of larger images',
        run_of(classification, {f'{PIPELINE}.1.crop_size': 40}),
    ),
    Row(
        'healthy masks',
        run_of(with_masks, {f'{PIPELINE}.2.input_size': 32}),
    ),
    Row(
        'healthy encoder of unknown width',
        run_of(
            classification,
            {'model.backbone': dict(type='ResNet', depth=18, _delete_=True)},
        ),
    ),
]
