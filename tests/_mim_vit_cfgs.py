# Copyright (c) aemim_mm contributors. All rights reserved.
"""Stock arguments of tiny MIM methods whose encoder is a plain ViT.

32 x 32 images, 16 patches, 2 layers; every stochastic depth is 0.
"""

from pixels import MEAN, STD

ARCH = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)
EMBED = 16  # vocabulary of the toy tokenisers and channels of the toy CLIP

_L2 = dict(type='PixelReconstructionLoss', criterion='L2')
_COSINE = dict(type='CosineSimilarityLoss', shift_factor=2.0, scale_factor=2.0)
_INIT = [
    dict(type='Xavier', layer='Linear', distribution='uniform'),
    dict(type='Constant', layer='LayerNorm', val=1.0, bias=0.0),
]


def preprocessor():
    """Of the methods that see one view."""
    return dict(type='SelfSupDataPreprocessor', mean=MEAN, std=STD)


def two_preprocessor(second_mean, second_std):
    """Of the methods that see two views."""
    return dict(
        type='TwoNormDataPreprocessor',
        mean=MEAN,
        std=STD,
        second_mean=second_mean,
        second_std=second_std,
    )


def mae_head(name='MAEPretrainHead'):
    """Pixels of 8 x 8 patches, normalised by patch."""
    return dict(type=name, norm_pix=True, patch_size=8, loss=_L2)


def _vit(name, **options):
    return dict(
        type=name, arch=dict(ARCH), img_size=32, patch_size=8, **options
    )


def mae_decoder(name='MAEPretrainDecoder', depth=1, **options):
    """Of 16 patches."""
    return dict(
        type=name,
        num_patches=16,
        patch_size=8,
        in_chans=3,
        embed_dim=32,
        decoder_embed_dim=32,
        decoder_depth=depth,
        decoder_num_heads=2,
        mlp_ratio=2.0,
        **options,
    )


def mae_cfg(backbone='MAEViT', masked=False, **backbone_options):
    """MAE; ``backbone`` is any class with its interface.

    ``masked``: the decoder and head of this package.
    """
    decoder, head = (
        ('MAEMaskedDecoder', 'MAEMaskedHead')
        if masked
        else ('MAEPretrainDecoder', 'MAEPretrainHead')
    )
    return dict(
        backbone=_vit(backbone, **backbone_options),
        neck=mae_decoder(decoder),
        head=mae_head(head),
        data_preprocessor=preprocessor(),
        init_cfg=_INIT,
    )


def mff_cfg():
    """MFF: the features of both layers are fused."""
    return mae_cfg('MFFViT', out_indices=[0, 1])


def milan_cfg():
    """MILAN: CLIP features of all tokens, mask drawn by CLIP attention."""
    return dict(
        backbone=_vit('MILANViT', init_cfg=_INIT),
        neck=mae_decoder(
            'MILANPretrainDecoder',
            depth=2,
            predict_feature_dim=EMBED,
            init_cfg=_INIT,
        ),
        head=dict(type='MIMHead', loss=_COSINE),
        target_generator=dict(type='ToyCLIP', embed_dims=EMBED),
        data_preprocessor=preprocessor(),
    )


def eva_cfg():
    """EVA, MAE style: CLIP features of the masked tokens."""
    return dict(
        backbone=_vit('MAEViT', init_cfg=_INIT),
        neck=mae_decoder(predict_feature_dim=EMBED, init_cfg=_INIT),
        head=dict(type='MIMHead', loss=_COSINE),
        target_generator=dict(type='ToyCLIP', embed_dims=EMBED),
        data_preprocessor=preprocessor(),
    )


def maskfeat_cfg():
    """MaskFeat on 56 x 56 images: the stock HOG is cut into 14 x 14."""
    return dict(
        backbone=dict(
            type='MaskFeatViT', arch=dict(ARCH), img_size=56, patch_size=4
        ),
        neck=dict(
            type='LinearNeck', in_channels=32, out_channels=108, norm_cfg=None
        ),
        head=dict(type='MIMHead', loss=_L2),
        # 28 x 28 cells, so that 2 x 2 of them describe one patch.
        target_generator=dict(type='HOGGenerator', pool=2, gaussian_window=8),
        data_preprocessor=preprocessor(),
    )


def beit_v1_cfg():
    """BEiT: tokens of the second view."""
    return dict(
        backbone=_vit('BEiTPretrainViT', drop_path_rate=0.0, final_norm=True),
        head=dict(
            type='BEiTV1Head',
            embed_dims=32,
            num_embed=EMBED,
            loss=dict(type='CrossEntropyLoss'),
        ),
        target_generator=dict(type='ToyDALLE', num_embed=EMBED),
        data_preprocessor=two_preprocessor([-31.875] * 3, [318.75] * 3),
    )


def beit_v2_cfg():
    """BEiT v2: two maps, a neck on the shared position bias, VQKD tokens."""
    encoder = dict(
        arch=dict(ARCH),
        img_size=32,
        patch_size=8,
        out_type='featmap',
        layer_scale_init_value=0.0,
        use_abs_pos_emb=True,
        use_rel_pos_bias=False,
        use_shared_rel_pos_bias=False,
    )
    return dict(
        backbone=_vit(
            'BEiTPretrainViT',
            out_indices=[-2, -1],
            drop_path_rate=0.0,
            final_norm=False,
        ),
        neck=dict(
            type='BEiTV2Neck',
            num_layers=2,
            early_layers=1,
            backbone_arch=dict(ARCH, depth=2),
            drop_path_rate=0.0,
        ),
        head=dict(
            type='BEiTV2Head',
            embed_dims=32,
            num_embed=EMBED,
            loss=dict(type='CrossEntropyLoss'),
        ),
        # A codebook that counts as trained, as a loaded one does.
        target_generator=dict(
            type='VQKD',
            encoder_config=encoder,
            num_embed=EMBED,
            embed_dims=8,
            quantize_kmeans_init=False,
        ),
        data_preprocessor=two_preprocessor([127.5] * 3, [127.5] * 3),
    )


def cae_cfg():
    """CAE: tokens of the second view and the teacher's features."""
    return dict(
        backbone=_vit('CAEPretrainViT', layer_scale_init_value=0.1),
        neck=dict(
            type='CAENeck',
            num_classes=EMBED,
            embed_dims=32,
            regressor_depth=2,
            decoder_depth=2,
            num_heads=2,
            mlp_ratio=2,
            layer_scale_init_value=0.1,
            mask_tokens_num=8,
        ),
        head=dict(type='CAEHead', loss=dict(type='CAELoss', lambd=2)),
        target_generator=dict(type='ToyDALLE', num_embed=EMBED),
        base_momentum=0.0,
        data_preprocessor=two_preprocessor([-31.875] * 3, [318.75] * 3),
    )


def cim_cfg():
    """CIM: tokens of the second view, sampled by a small BEiT."""
    return dict(
        backbone=_vit('VisionTransformer', out_type='raw'),
        generator=_vit(
            'CIMGenerator',
            num_embed=EMBED,
            layer_scale_init_value=0.1,
            drop_path_rate=0.0,
        ),
        head=dict(type='CIMHead', embed_dims=32, window=5, patch_size=8),
        target_generator=dict(
            type='DALLETokenizer',
            encoder=dict(type='ToyDALLE', num_embed=EMBED, patch_size=8),
            decoder=dict(
                type='DALLEDecoder',
                n_init=8,
                n_hid=8,
                n_blk_per_group=1,
                vocab_size=EMBED,
            ),
        ),
        mask_ratio=0.5,
        data_preprocessor=two_preprocessor([-31.875] * 3, [318.75] * 3),
    )
