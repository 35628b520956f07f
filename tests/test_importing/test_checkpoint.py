# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import torch
from foreign_files import (
    CONFIG,
    mae_weights,
    simmim_weights,
    timm_swin,
    timm_vit,
)
from mmengine.config import Config
from mmpretrain.registry import MODELS
from timm.models import save_for_hf

from aemim_mm.export import export_backbone, load_export
from aemim_mm.importing import checkpoint, import_checkpoint


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    Config(CONFIG).dump(str(path))
    return path


def _folder(path, model):
    save_for_hf(model, path, safe_serialization=True)
    return path


def _save(path, content):
    torch.save(content, path)
    return path


@pytest.mark.parametrize('decoder', [True, False])
def test_mae(tmp_path, config, decoder):
    file = _save(tmp_path / 'mae.pth', dict(model=mae_weights(decoder)))
    out = tmp_path / 'out.pth'
    done = import_checkpoint(file, out, 'mae', config=config, check=True)
    names = {'features', 'decoder'} if decoder else {'features'}
    assert done.differences.keys() == names
    assert done.passed and done.differences['features'] < 1e-5
    weights, meta = load_export(out)
    assert meta['license'] == 'cc-by-nc-4.0'
    assert meta['started_from'] == [
        dict(
            source='https://github.com/facebookresearch/mae',
            license='cc-by-nc-4.0',
        )
    ]
    assert meta['normalization']['mean'] == [123.675, 116.28, 103.53]
    assert meta['source']['file'] == 'mae.pth'
    assert meta['recipe'] == {}
    if decoder:
        neck = MODELS.build(done.decoder)
        neck.load_state_dict(
            {k[5:]: v for k, v in weights.items() if k[:5] == 'neck.'}
        )
        assert (done.decoder['decoder_depth'], neck.num_patches) == (2, 16)


def test_simmim(tmp_path):
    file = _save(tmp_path / 'simmim.pth', dict(model=simmim_weights()))
    out = tmp_path / 'out.safetensors'
    done = import_checkpoint(file, out, 'simmim', check=True)
    assert done.passed and done.differences['features'] < 1e-5
    weights, meta = load_export(out)
    assert meta['started_from'][0]['license'] == 'mit'
    assert 'backbone.mask_token' in weights
    assert done.decoder['encoder_stride'] == 32
    neck = MODELS.build(done.decoder)
    neck.load_state_dict(
        {k[5:]: v for k, v in weights.items() if k[:5] == 'neck.'}
    )


@pytest.mark.parametrize(
    'make, head',
    [
        (lambda: timm_vit(num_classes=5), 'head.layers.head.weight'),
        (
            lambda: timm_vit(num_classes=5, global_pool='avg'),
            'head.fc.weight',
        ),
        (
            lambda: timm_vit(num_classes=5, global_pool='avg', fc_norm=False),
            'head.fc.weight',
        ),
        (lambda: timm_swin(num_classes=5), 'head.fc.weight'),
    ],
)
def test_folders_of_timm_keep_the_classifier(tmp_path, make, head):
    folder = _folder(tmp_path / 'timm', make())
    out = tmp_path / 'out.pth'
    done = import_checkpoint(folder, out, 'timm', check=True)
    assert done.differences.keys() == {'features', 'logits'}
    assert done.passed and max(done.differences.values()) < 1e-4
    weights, meta = load_export(out)
    assert weights[head].shape[0] == 5
    assert len(meta['normalization']['mean']) == 3


def test_file_of_timm(tmp_path, config):
    model = timm_vit(num_classes=5)
    file = _save(tmp_path / 'timm.pth', model.state_dict())
    out = tmp_path / 'out.pth'
    args = dict(config=None, license='mit', source='my own')
    with pytest.raises(ValueError, match='number of heads .*--config'):
        import_checkpoint(file, out, 'timm', **args)
    assert not out.exists()
    args['config'] = config
    import_checkpoint(file, out, 'timm', check=True, **args)
    told = [dict(source='my own', license='mit')]
    assert load_export(out)[1]['started_from'] == told


def test_averaged_weights_of_timm(tmp_path):
    averaged = timm_vit().state_dict()
    content = dict(
        state_dict={k: 0 * v for k, v in averaged.items()},
        state_dict_ema=averaged,
    )
    file, out = _save(tmp_path / 'a.pth', content), tmp_path / 'out.pth'
    cfg = tmp_path / 'c.py'
    Config(CONFIG).dump(str(cfg))
    done = import_checkpoint(file, out, 'timm', config=cfg)
    assert done.dropped == {
        'weights that are not averaged (state_dict.*)': len(averaged)
    }
    token = load_export(out)[0]['backbone.cls_token']
    assert torch.equal(token, averaged['cls_token'])


def test_a_config_tells_that_patches_are_averaged(tmp_path):
    model = timm_vit(num_classes=5, global_pool='avg', fc_norm=False)
    file = _save(tmp_path / 'timm.pth', model.state_dict())
    cfg = copy.deepcopy(CONFIG)
    cfg['model']['backbone']['out_type'] = 'featmap'
    cfg['model']['neck'] = dict(type='mmpretrain.GlobalAveragePooling')
    Config(cfg).dump(str(tmp_path / 'c.py'))
    out = tmp_path / 'out.pth'
    import_checkpoint(file, out, 'timm', config=tmp_path / 'c.py', check=True)
    assert 'head.fc.weight' in load_export(out)[0]
    assert load_export(out)[1]['architecture']['pooling'] == 'avg'


def test_what_a_config_tells_of_an_own_encoder(tmp_path, zoo):
    config = tmp_path / 'c.py'
    Config(dict(model=zoo.models['token'])).dump(str(config))
    weights = zoo.build('token').backbone.state_dict()
    file, out = _save(tmp_path / 'a.pth', weights), tmp_path / 'out.pth'
    with pytest.raises(ValueError, match='number of heads'):
        import_checkpoint(file, out, 'mmpretrain')
    done = import_checkpoint(file, out, 'mmpretrain', config=config)
    heads = zoo.models['token']['backbone']['arch']['num_heads']
    assert done.architecture.num_heads == heads


def test_decoder_heads_of_an_own_run(tmp_path, zoo):
    done = import_checkpoint(
        zoo.save('aemim'), tmp_path / 'out.pth', 'mmpretrain'
    )
    heads = zoo.models['aemim']['neck']['decoder_num_heads']
    assert done.decoder['decoder_num_heads'] == heads != 16
    assert 'neck.*' not in done.dropped


def test_an_import_can_be_imported(tmp_path, zoo):
    first, second = tmp_path / 'a.pth', tmp_path / 'b.safetensors'
    done = import_checkpoint(zoo.save('aemim'), first, 'mmpretrain')
    again = import_checkpoint(first, second, 'mmpretrain')
    assert again.decoder == done.decoder
    assert again.architecture == done.architecture


def test_an_export_for_timm_can_be_imported(tmp_path, zoo):
    """The file says the heads, which no shape tells."""
    file, out = tmp_path / 'timm.pth', tmp_path / 'out.pth'
    export = export_backbone(zoo.save('mae'), file, 'timm', license='mit')
    done = import_checkpoint(file, out, 'timm', check=True)
    assert done.passed
    assert load_export(out)[1]['architecture'] == export.meta['architecture']
    assert load_export(out)[1]['license'] == 'mit'


def test_necks_that_are_no_decoder_are_left(tmp_path, zoo):
    model = zoo.build('aemim')
    weights = {
        key.replace('neck.', 'neck.fc0.'): value
        for key, value in model.state_dict().items()
    }
    file = zoo.save('aemim', state_dict=weights)
    done = import_checkpoint(file, tmp_path / 'out.pth', 'mmpretrain')
    assert not done.decoder and done.dropped['neck.*'] > 0


def test_name_in_timm(tmp_path, monkeypatch):
    model = timm_vit()
    model.pretrained_cfg['hf_hub_id'] = 'timm/vit.x'
    model.pretrained_cfg['license'] = 'apache-2.0'
    monkeypatch.setattr('timm.create_model', lambda *a, **k: model)
    out = tmp_path / 'out.pth'
    done = import_checkpoint('timm:vit_tiny_patch16_224', out, 'timm')
    assert done.terms == [
        dict(source='https://huggingface.co/timm/vit.x', license='apache-2.0')
    ]

    def offline(*args, **kwargs):
        raise OSError('no network')

    monkeypatch.setattr('timm.create_model', offline)
    with pytest.raises(RuntimeError, match='no network.*save_for_hf'):
        import_checkpoint('timm:vit_tiny_patch16_224', out, 'timm', force=True)
    with pytest.raises(ValueError, match="no model 'vit_tinny"):
        import_checkpoint('timm:vit_tinny', out, 'timm', force=True)


@pytest.mark.parametrize('kind', ['aemim', 'simmim'])
def test_mmpretrain(tmp_path, zoo, kind):
    model = zoo.build(kind)
    file, out = zoo.save(kind, model=model), tmp_path / 'out.pth'
    done = import_checkpoint(file, out, 'mmpretrain', check=True)
    assert done.passed
    weights, meta = load_export(out)
    state = model.state_dict()
    for key, value in weights.items():
        assert torch.equal(value, state[key]), key
    assert any(key.startswith('neck.') for key in weights)
    assert not any('adv.' in key for key in weights)
    assert meta['started_from'][0]['license'] == 'unknown'


@pytest.mark.parametrize('kind', ['token', 'avg', 'gap', 'swin', 'simmim'])
def test_export_and_import_give_equal_tensors(tmp_path, zoo, kind):
    model = zoo.build(kind)
    folder, out = tmp_path / 'timm', tmp_path / 'back.pth'
    export_backbone(zoo.save(kind, model=model), folder, 'timm')
    import_checkpoint(folder, out, 'timm')
    weights, _ = load_export(out)
    state = model.state_dict()
    for key, value in weights.items():
        assert torch.equal(value, state[key]), key
    left = {
        key
        for key in set(state) - set(weights)
        if not key.startswith(('neck.', 'backbone.norm'))
    }
    assert left <= {'backbone.mask_token'}


def test_terms_of_an_export_come_back(tmp_path, zoo):
    terms = [dict(source='x', license='cc-by-nc-4.0')]
    file = zoo.save('token')
    content = torch.load(file, weights_only=False)
    content['meta']['started_from'] = terms
    torch.save(content, file)
    folder, out = tmp_path / 'timm', tmp_path / 'back.pth'
    export_backbone(file, folder, 'timm')
    assert import_checkpoint(folder, out, 'timm').terms == terms
    args = dict(force=True, license='mit')
    with pytest.raises(ValueError, match='cc-by-nc-4.0.*leave --license'):
        import_checkpoint(folder, out, 'timm', **args)
    with pytest.raises(ValueError, match='leave --license and --source out'):
        import_checkpoint(folder, out, 'timm', force=True, source='y')


def test_an_unknown_licence_of_a_file_can_be_said(tmp_path, zoo):
    file, out = zoo.save('token'), tmp_path / 'out.pth'
    content = torch.load(file, weights_only=False)
    content['meta']['started_from'] = [
        dict(source='x', license='unknown'),
        dict(source='y', license='mit'),
    ]
    torch.save(content, file)
    done = import_checkpoint(file, out, 'mmpretrain', license='mit')
    assert done.terms == [
        dict(source='x', license='mit'),
        dict(source='y', license='mit'),
    ]


@pytest.mark.parametrize('source', [dict(source='x', license='unknown'), None])
def test_a_licence_stays_with_the_weights(tmp_path, zoo, source):
    """Also that of a run from random weights, which goes back to nothing."""
    file, out = zoo.save('token'), tmp_path / 'out.pth'
    content = torch.load(file, weights_only=False)
    content['meta']['started_from'] = [source] if source else []
    torch.save(content, file)
    import_checkpoint(file, out, 'mmpretrain', license='mit')
    assert load_export(out)[1]['license'] == 'mit'
    again = export_backbone(out, tmp_path / 'again.pth', 'timm')
    assert again.meta['license'] == 'mit'
    # Nothing says what it goes back to.
    first = tmp_path / 'first.pth'
    export_backbone(zoo.save('avg'), first, 'mmpretrain', license='mit')
    again = export_backbone(first, tmp_path / 'second.pth', 'timm')
    assert again.meta['license'] == 'mit'


def test_a_failing_check_leaves_nothing(tmp_path, config, monkeypatch):
    file = _save(tmp_path / 'mae.pth', dict(model=mae_weights()))
    monkeypatch.setattr(
        checkpoint, 'compare_import', lambda *args: dict(features=2e-4)
    )
    out = tmp_path / 'out.pth'
    done = import_checkpoint(file, out, 'mae', config=config, check=True)
    assert not done.passed
    assert not out.exists()


def test_other_kinds_are_named(tmp_path):
    file = _save(tmp_path / 'a.pth', dict(model=simmim_weights()))
    with pytest.raises(ValueError, match='microsoft/SimMIM.*--from simmim'):
        import_checkpoint(file, tmp_path / 'out.pth', 'mae')
    with pytest.raises(ValueError, match="unknown kind 'dino'"):
        import_checkpoint(file, tmp_path / 'out.pth', 'dino')


def test_variants_are_refused(tmp_path):
    model = timm_vit(init_values=1e-5)
    folder = _folder(tmp_path / 'timm', model)
    with pytest.raises(ValueError, match='not in that network: blocks.0.ls1'):
        import_checkpoint(folder, tmp_path / 'out.pth', 'timm')


def test_decoders_that_are_damaged(tmp_path, config):
    weights = mae_weights()
    del weights['decoder_pred.bias']
    file = _save(tmp_path / 'mae.pth', dict(model=weights))
    with pytest.raises(ValueError, match='decoder_pred.bias'):
        import_checkpoint(file, tmp_path / 'o.pth', 'mae', config=config)


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
def test_an_imported_file_knows_its_architecture(tmp_path, suffix):
    """No shape tells the heads: the table has none for this size."""
    file = _save(tmp_path / 'mae.pth', mae_weights(decoder=False))
    cfg = copy.deepcopy(CONFIG)
    cfg['model']['backbone']['arch']['num_heads'] = 4
    Config(cfg).dump(str(tmp_path / 'c.py'))
    out, again = tmp_path / f'out.{suffix}', tmp_path / 'again.pth'
    import_checkpoint(file, out, 'mae', config=tmp_path / 'c.py')
    export = export_backbone(out, again, 'timm', check=True)
    assert export.passed and export.meta['architecture']['num_heads'] == 4


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
def test_an_imported_file_is_exported(tmp_path, suffix):
    """Normalisation and licence come from its metadata."""
    file = _save(tmp_path / 'simmim.pth', dict(model=simmim_weights()))
    out, folder = tmp_path / f'out.{suffix}', tmp_path / 'timm'
    import_checkpoint(file, out, 'simmim')
    export = export_backbone(out, folder, 'timm', check=True)
    assert export.passed and export.meta['license'] == 'mit'
    assert export.meta['normalization']['mean'] == [123.675, 116.28, 103.53]
    assert 'license: mit' in (folder / 'README.md').read_text()
