# Copyright (c) aemim_mm contributors. All rights reserved.
"""Values out of range."""

from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import NamedTuple

from ..utils import type_name
from .disagreement import Disagreement
from .run import Run

# Names of arguments by the range of their values; a sequence's items have the
# same range, None is left to the constructor. `Owner.name` holds for one type
# (or for the dict of a key, where there is none) and goes before the bare
# name.
REAL = {
    '(-inf, inf)': """
        mean fill_color second_mean target_means loss_weight channel_weights
        bias Constant.val CosineSimilarityLoss.scale_factor
        CosineSimilarityLoss.shift_factor
        ignore_iof_thr pos_weight allowed_border""",
    '[0, inf)': """
        lr weight_decay eps eta_min lr_mult decay_mult bias_lr_mult
        bias_decay_mult norm_decay_mult dwconv_decay_mult flat_decay_mult
        layer_scale_init_value fill_std gamma magnitude_level
        CAELoss.lambd min_bbox_size
        Normal.std TruncNormal.std ColorJitter.brightness ColorJitter.contrast
        ColorJitter.saturation GaussianBlur.magnitude_range""",
    '(0, inf)': """
        std second_std bgr_std target_stds temperature mlp_ratio
        Mixup.alpha CutMix.alpha crop_size aspect_ratio_range ratio_range
        T_max PolyLR.power strides AnchorGenerator.ratios
        AtomicCheckpointHook.minutes""",
    '[1, inf)': 'val_interval',
    '(0, inf]': 'max_norm norm_type Resize.scale scales',
    '[0, 1]': """
        prob erase_prob min_area_ratio max_area_ratio momentum base_momentum
        eta_min_ratio end_factor ConstantLR.factor pos_fraction pos_iou_thr
        neg_iou_thr min_pos_iou iou_threshold score_thr mask_thr_binary
        torchvision/RandomHorizontalFlip.p
        AEMIMAlgorithm.loss_ratio""",
    '(0, 1]': """
        start_factor layer_decay_rate decay_rate crop_ratio_range
        AEMIMAlgorithm.adv_ratio WaveletPGD.budget
        RandomResizedCropAndInterpolationWithTwoPic.scale""",
    '[0, 1)': """
        betas label_smooth_val drop_rate attn_drop_rate drop_path_rate
        proj_drop attn_drop ffn_drop dropout DualNormViT.mask_ratio
        SGD.momentum LARS.momentum RMSprop.momentum""",
    '(0, 1)': 'mask_ratio EMAHook.momentum',
    '[-0.5, 0.5]': 'ColorJitter.hue',
    '[0, 255]': 'FeatureDistancePGD.epsilon RandomNoise.epsilon pad_val',
    '(0, 255]': """
        FeatureDistancePGD.step_size RandomNoise.step_size max_pixel_change""",
    '(0, 2]': 'WaveletPGD.step_size',
    '[0, 256]': 'Solarize.thr',
}
WHOLE = {
    '(-inf, inf)': 'out_indices',
    '[-1, inf)': """
        frozen_stages neg_pos_ub nms_pre max_per_img max_keep_ckpts
        CheckpointHook.interval AtomicCheckpointHook.interval
        AlexNet.num_classes LeNet5.num_classes VGG.num_classes""",
    '[0, inf)': """
        num_workers begin milestones num_convs mid_channels sampling_ratio
        filter_cfg.min_size RandomCrop.padding""",
    '[0, 4294967295]': 'randomness.seed',
    '[1, inf)': """
        batch_size base_batch_size prefetch_factor accumulative_counts
        max_epochs max_iters interval end num_classes topk
        img_size patch_size input_size mask_patch_size model_patch_size
        encoder_stride num_patches num_masking_patches min_num_patches
        max_num_patches embed_dim embed_dims decoder_embed_dim
        decoder_depth decoder_num_heads num_heads num_layers
        feedforward_channels in_channels out_channels in_chans hid_channels
        input_features num_embed predict_feature_dim enc_dec_norm_dim
        conv_out_channels fc_out_channels feat_channels num_outs
        featmap_strides pad_size_divisor num_policies
        SimMIMSwinTransformer.window_size ResizableSwin.window_size
        SwinTransformer.window_size LogProcessor.window_size
        RandomResizedCrop.scale FastRandomResizedCrop.scale ResizeEdge.scale
        RandomResizedCropAndInterpolationWithTwoPic.size
        RandomResizedCropAndInterpolationWithTwoPic.second_size
        torchvision/RandomCrop.size torchvision/Resize.size
        FeatureDistancePGD.num_steps RandomNoise.num_steps
        WaveletPGD.num_steps WaveletPGD.levels
        downsample_raito upsample_ratio
        early_layers regressor_depth feature_dim fpn_depth fpn_dim
        gaussian_window nbins pool num_views total_level
        PixelReconstructionLoss.channel RandomSampler.num output_size
        CIMHead.window n_init n_hid n_blk_per_group vocab_size
        roi_feat_size mask_size block_cfgs.window_size SparseResNet.depth
        depths""",
}
# Ranges that the user gives: the smaller end first.
ORDERED = {
    'crop_ratio_range',
    'aspect_ratio_range',
    'ratio_range',
    'RandomResizedCropAndInterpolationWithTwoPic.scale',
    'GaussianBlur.magnitude_range',
}
# What a run of each tool builds.
TRAINED = (
    'model',
    'data_preprocessor',
    'train_dataloader',
    'val_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'auto_scale_lr',
    'val_evaluator',
    'default_hooks',
    'custom_hooks',
    'log_processor',
    'randomness',
)
TESTED = (
    'model',
    'data_preprocessor',
    'test_dataloader',
    'test_evaluator',
    'log_processor',
    'randomness',
)


class Range(NamedTuple):
    """An interval of numbers, which reads as it is written.

    Attributes:
        text (str): Such as ``'(0, 1]'``.
        whole (bool): Whether only whole numbers belong to it.
    """

    text: str
    whole: bool

    def __contains__(self, value: object) -> bool:
        kinds = Integral if self.whole else Real
        if isinstance(value, bool) or not isinstance(value, kinds):
            return False
        value = float(value)
        low, high = map(float, self.text[1:-1].split(','))
        above = value >= low if self.text[0] == '[' else value > low
        below = value <= high if self.text[-1] == ']' else value < high
        return above and below

    def __str__(self) -> str:
        return f'a {"whole " if self.whole else ""}number in {self.text}'


RANGES = {
    name: Range(text, whole)
    for table, whole in ((REAL, False), (WHOLE, True))
    for text, names in table.items()
    for name in names.split()
}


def values_in_range(run: Run) -> None:
    """Every ratio, count, size and rate can be what it is."""
    for section in TRAINED if 'train' in run.phases else TESTED:
        for owner, name, key, value in _values(run.cfg.get(section), section):
            allowed = RANGES.get(f'{owner}.{name}', RANGES.get(name))
            if allowed is not None:
                _check(key, value, allowed)
            if {name, f'{owner}.{name}'} & ORDERED:
                _check_order(key, value)


def _values(
    part: object, key: str, owner: str = '', name: str = ''
) -> Iterator[tuple[str, str, str, object]]:
    """Owner's type, name, full key and value of every argument."""
    if isinstance(part, Mapping):
        kind = part.get('type') or name or key
        for child, value in part.items():
            path = f'{key}.{child}'
            yield from _values(value, path, type_name(kind), str(child))
    elif isinstance(part, list | tuple) and any(
        isinstance(item, Mapping | list) for item in part
    ):
        for place, item in enumerate(part):
            yield from _values(item, f'{key}.{place}', owner, name)
    else:
        yield owner, name, key, part


def _check(key: str, value: object, allowed: Range) -> None:
    if isinstance(value, list | tuple):
        for place, item in enumerate(value):
            _check(f'{key}.{place}', item, allowed)
    elif value is not None and value not in allowed:
        raise Disagreement(f'{key}={value!r} must be {allowed}.')


def _check_order(key: str, value: object) -> None:
    if isinstance(value, list | tuple) and list(value) != sorted(value):
        raise Disagreement(
            f'{key}={value!r} must be a range, the smaller end first.'
        )
