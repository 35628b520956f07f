# Copyright (c) aemim_mm contributors. All rights reserved.
"""What options of the tools may be, for the tools and for what they call."""

# Kinds of files, and whose they are: import_checkpoint.py --from.
KINDS = {
    'mae': 'facebookresearch/mae',
    'timm': 'timm',
    'transformers': "Hugging Face's transformers",
    'simmim': "microsoft/SimMIM, or Microsoft's Swin Transformer",
    'mmpretrain': 'mmpretrain',
}
# Libraries that an encoder is exported to.
TARGETS = ('mmpretrain', 'mmdet', 'timm')
# The largest absolute difference that passes as float32 rounding.
LIMIT = 1e-4
# Features of an image: the mean of the patches, or the class token.
POOLS = ('avg', 'cls')
POOLINGS = ('token', 'avg')
# Scales at which the paper's tables are made.
PRESETS = ('imagenet', 'fashion-mnist', 'smoke')
# Of ImageNet-C, in the order of https://github.com/hendrycks/robustness.
CORRUPTIONS = (
    'gaussian_noise',
    'shot_noise',
    'impulse_noise',
    'defocus_blur',
    'glass_blur',
    'motion_blur',
    'zoom_blur',
    'snow',
    'frost',
    'fog',
    'brightness',
    'contrast',
    'elastic_transform',
    'pixelate',
    'jpeg_compression',
)
SEVERITIES = (1, 2, 3, 4, 5)
