# Copyright (c) aemim_mm contributors. All rights reserved.
"""Stock arguments of tiny MIM methods whose encoder has several scales.

HiViT needs three of them and has 16 patches on 32 x 32 images; Swin, MixMIM
and the convolutional networks shrink the image by 32, so that 64 x 64 is the
smallest with 2 x 2 final cells. Every stochastic depth is 0.
"""

from _mim_vit_cfgs import (
    EMBED,
    mae_decoder,
    mae_head,
    preprocessor,
    two_preprocessor,
)


def _hivit(name, **options):
    return dict(
        type=name,
        # Blocks of the two early stages come in pairs.
        arch=dict(embed_dims=32, depths=[1, 1, 2], num_heads=2),
        img_size=32,
        patch_size=8,
        # The class writes into its default list.
        out_indices=[1],
        **options,
    )


def mae_hivit_cfg(neck='MAEPretrainDecoder'):
    """MAE with HiViT, which has no class token."""
    return dict(
        backbone=_hivit('MAEHiViT'),
        neck=mae_decoder(neck),
        head=mae_head(),
        data_preprocessor=preprocessor(),
    )


def _itpn_neck(**options):
    return dict(
        type='iTPNPretrainDecoder',
        num_patches=16,
        patch_size=8,
        in_chans=3,
        embed_dim=32,
        fpn_dim=16,
        fpn_depth=2,
        mlp_ratio=2.0,
        num_outs=3,
        **options,
    )


def itpn_pixel_cfg():
    """The masked autoencoder form of iTPN."""
    return dict(
        backbone=_hivit('iTPNHiViT', reconstruction_type='pixel'),
        neck=_itpn_neck(
            reconstruction_type='pixel',
            decoder_embed_dim=32,
            decoder_depth=2,
            decoder_num_heads=2,
        ),
        head=mae_head(),
        data_preprocessor=preprocessor(),
    )


def itpn_clip_cfg():
    """The form of iTPN with mask tokens in the encoder and CLIP targets."""
    return dict(
        backbone=_hivit(
            'iTPNHiViT',
            reconstruction_type='clip',
            rpe=True,
            layer_scale_init_value=0.1,
        ),
        # The features are summed and normalised at the encoder's width.
        neck=_itpn_neck(reconstruction_type='clip', decoder_embed_dim=32),
        head=dict(
            type='iTPNClipHead',
            embed_dims=32,
            num_embed=EMBED,
            loss=dict(type='CrossEntropyLoss'),
        ),
        target_generator=dict(type='ToyCLIP', embed_dims=EMBED),
        data_preprocessor=two_preprocessor(
            [122.77, 116.75, 104.09], [68.50, 66.63, 70.32]
        ),
    )


def simmim_cfg():
    """SimMIM; 2 x 2 windows fit all four stages."""
    return dict(
        backbone=dict(
            type='SimMIMSwinTransformer',
            arch=dict(
                embed_dims=8, depths=[2, 1, 1, 2], num_heads=[1, 1, 2, 2]
            ),
            img_size=64,
            drop_path_rate=0.0,  # the class's default is 0.1
            stage_cfgs=dict(block_cfgs=dict(window_size=2)),
        ),
        neck=dict(
            type='SimMIMLinearDecoder', in_channels=64, encoder_stride=32
        ),
        head=dict(
            type='SimMIMHead',
            patch_size=4,
            loss=dict(
                type='PixelReconstructionLoss', criterion='L1', channel=3
            ),
        ),
        data_preprocessor=preprocessor(),
    )


def mixmim_cfg():
    """MixMIM: each image is mixed with another of the batch."""
    return dict(
        backbone=dict(
            type='MixMIMPretrainTransformer',
            arch=dict(
                embed_dims=8, depths=[2, 1, 1, 2], num_heads=[1, 1, 2, 2]
            ),
            img_size=64,
            window_size=[4, 4, 4, 2],
            mlp_ratio=2,
            mask_ratio=0.5,
        ),
        neck=dict(
            type='MixMIMPretrainDecoder',
            num_patches=4,
            encoder_stride=32,
            embed_dim=64,
            decoder_embed_dim=16,
            decoder_depth=2,
            decoder_num_heads=2,
        ),
        head=dict(
            type='MixMIMPretrainHead',
            norm_pix=True,
            loss=dict(type='PixelReconstructionLoss', criterion='L2'),
        ),
        data_preprocessor=preprocessor(),
    )


def _spark(backbone, enc_dec_norm):
    return dict(
        input_size=64,
        downsample_raito=32,
        mask_ratio=0.6,
        enc_dec_norm_cfg=enc_dec_norm,
        enc_dec_norm_dim=64,
        backbone=backbone,
        # Stock has SyncBN, the same numbers in one process; on several
        # processes it refuses the CPU.
        neck=dict(
            type='SparKLightDecoder',
            feature_dim=32,
            upsample_ratio=32,
            mid_channels=0,
            last_act=False,
            norm_cfg=dict(type='BN'),
        ),
        head=dict(
            type='SparKPretrainHead',
            loss=dict(type='PixelReconstructionLoss', criterion='L2'),
        ),
        data_preprocessor=preprocessor(),
    )


def spark_resnet_cfg():
    """SparK with the smallest ResNet: two blocks in each stage."""
    backbone = dict(
        type='SparseResNet',
        depth=18,
        stem_channels=8,
        base_channels=8,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN'),  # which the class makes sparse
    )
    return _spark(backbone, dict(type='SparseBatchNorm2d'))


def spark_convnext_cfg():
    """SparK with ConvNeXt, whose norm layers take a data format."""
    backbone = dict(
        type='SparseConvNeXt',
        arch=dict(depths=[2, 1, 1, 2], channels=[8, 16, 32, 64]),
        out_indices=(0, 1, 2, 3),
        gap_before_output=False,
    )
    return _spark(backbone, dict(type='SparseLN2d', eps=1e-6))
