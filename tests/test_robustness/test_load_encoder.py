# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import robustness_toys as toys
import torch
from mim_toys import ARCH, METHODS
from mmengine.config import Config
from mmpretrain.models import VisionTransformer
from mmpretrain.registry import MODELS

import aemim_mm  # noqa: F401
from aemim_mm.robustness import load_config_classifier, load_config_encoder

SIZE = dict(img_size=16, patch_size=8)
PREPROCESSOR = dict(
    type='SelfSupDataPreprocessor', mean=toys.MEAN, std=toys.STD, to_rgb=True
)


def aemim_cfg():
    """The model of a pre-training config, in miniature."""
    return dict(
        type='AEMIMAlgorithm',
        method='MAE',
        adapters=('norm', 'cls_token'),
        backbone=dict(type='DualNormViT', arch=ARCH, mask_ratio=0.75, **SIZE),
        neck=dict(
            type='MAEPretrainDecoder',
            num_patches=4,
            patch_size=8,
            embed_dim=ARCH['embed_dims'],
            decoder_embed_dim=16,
            decoder_depth=1,
            decoder_num_heads=2,
        ),
        head=dict(
            type='MAEPretrainHead',
            patch_size=8,
            loss=dict(type='PixelReconstructionLoss', criterion='L2'),
        ),
    )


def write(folder, cfg, state):
    """CONFIG and CHECKPOINT."""
    cfg = dict(
        default_scope='mmpretrain', model=cfg, data_preprocessor=PREPROCESSOR
    )
    folder.mkdir(exist_ok=True)
    Config(cfg).dump(str(folder / 'pretrain.py'))
    torch.save(dict(state_dict=state), folder / 'epoch_1.pth')
    return str(folder / 'pretrain.py'), str(folder / 'epoch_1.pth')


def close(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def write_built(folder, cfg, backbone=None):
    """The same, of a model whose backbone alone is built."""
    weights = (backbone or MODELS.build(cfg['backbone'])).state_dict()
    state = {f'backbone.{key}': value for key, value in weights.items()}
    folder = folder / 'built'
    return write(folder, cfg, state)


@pytest.fixture
def state():
    """Weights of a pre-trained model; adversarial adapters are others."""
    model = MODELS.build(dict(aemim_cfg(), data_preprocessor=PREPROCESSOR))
    generator = torch.Generator().manual_seed(0)
    return {
        key: 0.3 * torch.randn(value.shape, generator=generator)
        for key, value in model.state_dict().items()
    }


@pytest.fixture
def files(tmp_path, state):
    return write(tmp_path, aemim_cfg(), state)


@pytest.fixture
def images():
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def stock(state, images, out_type):
    """What mmpretrain's plain ViT makes of the clean weights."""
    vit = VisionTransformer(arch=ARCH, out_type=out_type, **SIZE)
    weights = {
        key.removeprefix('backbone.'): value
        for key, value in state.items()
        if key.startswith('backbone.')
    }
    vit.load_state_dict({key: weights[key] for key in vit.state_dict()})
    vit.eval()
    with torch.no_grad():
        return vit(toys.normalize(images))[-1]


def test_clean_encoder_of_a_pretraining_run(files, state, images):
    encoder = load_config_encoder(*files)
    assert any(key.startswith('adv.') for key in state)
    found = encoder.model(images)
    expected = stock(state, images, 'cls_token')
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    # No mask: twice the same
    assert torch.equal(encoder.model(images), found)
    assert encoder.name == 'pretrain' and encoder.checkpoint == files[1]
    assert encoder.input_size == 16
    assert encoder.num_classes() == ARCH['embed_dims']
    assert not any(p.requires_grad for p in encoder.model.parameters())


def test_pooling(files, state, images):
    expected = stock(state, images, 'featmap').mean((2, 3))
    encoder = load_config_encoder(*files, pooling='avg')
    torch.testing.assert_close(
        encoder.model(images), expected, atol=1e-4, rtol=1e-4
    )
    # Features of another pooling are others.
    assert encoder.sha256() != load_config_encoder(*files).sha256()


def test_adversarial_adapters_are_no_part_of_the_encoder(
    files, state, tmp_path
):
    expected = load_config_encoder(*files).sha256()
    for key, value in state.items():
        if key.startswith('adv.'):
            value.add_(1)
    again = write(tmp_path, aemim_cfg(), state)
    assert load_config_encoder(*again).sha256() == expected
    state['backbone.ln1.weight'].add_(1)
    again = write(tmp_path, aemim_cfg(), state)
    assert load_config_encoder(*again).sha256() != expected


def test_encoder_of_a_classifier(tmp_path, images):
    """Features are what its head was trained on, the last norm and all."""
    model = toys.build()
    torch.nn.init.normal_(model.backbone.ln2.weight)
    files = toys.write_model(tmp_path, model)
    with torch.no_grad():
        expected = model.extract_feat(toys.normalize(images))[-1]
    for pooling in (None, 'avg'):
        found = load_config_encoder(*files, pooling=pooling)
        close(found.model(images), expected)
        assert found.head == dict(pooling='avg')
    with pytest.raises(ValueError, match='its class token means nothing'):
        load_config_encoder(*files, pooling='token')


def test_beit_pools_by_default(tmp_path, images):
    backbone = dict(type='BEiTViT', arch=ARCH, **SIZE)
    model = MODELS.build(backbone)
    model.eval()
    torch.nn.init.normal_(model.ln2.weight)
    files = write_built(tmp_path, dict(type='X', backbone=backbone), model)
    with torch.no_grad():
        expected = model(toys.normalize(images))[-1]
    close(load_config_encoder(*files).model(images), expected)


def test_weights_and_config_of_different_stages(files, state, tmp_path):
    tuned = toys.model_cfg()
    tuned['backbone'].update(arch=ARCH)
    config, _ = write(tmp_path / 'tuned', tuned, {})
    with pytest.raises(ValueError, match=r'does not fit.*\n.*ln2'):
        load_config_encoder(config, files[1])


def test_what_does_not_fit(files, state, tmp_path):
    config, _ = files
    part = {k: v for k, v in state.items() if 'layers.1.' not in k}
    torch.save(dict(state_dict=part), tmp_path / 'part.pth')
    with pytest.raises(ValueError, match=r'part.pth does not fit: \d+ of'):
        load_config_encoder(config, str(tmp_path / 'part.pth'))
    sparse = dict(METHODS['SparK-ConvNeXt'].cfg, type='SparK')
    with pytest.raises(ValueError, match='SparseConvNeXt does not encode who'):
        load_config_encoder(*write_built(tmp_path, sparse))
    options = {'data_preprocessor': dict(type='SelfSupDataPreprocessor')}
    bare = tmp_path / 'bare.py'
    Config(dict(model=aemim_cfg(), **options)).dump(str(bare))
    with pytest.raises(ValueError, match='bare.py has no mean, std'):
        load_config_encoder(str(bare), files[1])
    Config(dict(model=dict(type='MAE'))).dump(str(bare))
    with pytest.raises(ValueError, match='bare.py'):
        load_config_encoder(str(bare), files[1])


def test_the_order_of_channels_is_part_of_the_model(files):
    """Or features of the wrong order would be taken for the right ones."""
    rgb = load_config_encoder(*files)
    options = {'data_preprocessor.to_rgb': False}
    bgr = load_config_encoder(*files, cfg_options=options)
    assert rgb.model.bgr != bgr.model.bgr and rgb.sha256() != bgr.sha256()
    assert rgb.sha256() == load_config_encoder(*files).sha256()
    # Another name of the same
    options['data_preprocessor.bgr_to_rgb'] = True
    again = load_config_encoder(*files, cfg_options=options)
    assert again.sha256() == rgb.sha256()


def test_a_type_that_is_not_known(files):
    options = {'model.backbone.type': 'Foo'}
    with pytest.raises(ValueError, match='Foo'):
        load_config_encoder(*files, cfg_options=options)


def test_a_classifier_is_not_a_recipe_of_pretraining(files):
    with pytest.raises(ValueError, match='add --knn TRAIN_DATA or --linear-h'):
        load_config_classifier(*files)
