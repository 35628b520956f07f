# Copyright (c) aemim_mm contributors. All rights reserved.
import http.client
import os
import urllib.error
from pathlib import Path

import pytest
import tiny_run
import torch
from evil_files import Evil
from mmengine.config import Config
from mmengine.model import PretrainedInit
from mmengine.runner import CheckpointLoader
from mmpretrain.models.selfsup import CLIPGenerator
from mmpretrain.registry import MODELS

from aemim_mm.checkpoints import use_safe_loader
from aemim_mm.config_check import (
    check_config,
    check_weights,
)

ONE = torch.ones(1)
URL = 'https://host.invalid/target/dalle.pth'


def config(model, **options):
    return Config(dict(default_scope='mmpretrain', model=model, **options))


def dalle(checkpoint):
    init_cfg = dict(type='Pretrained', checkpoint=checkpoint)
    target = dict(type='DALL-E', init_cfg=init_cfg)
    return config(dict(type='BEiT', target_generator=target))


def save(path, **tensors):
    torch.save(tensors or dict(w=torch.ones(2)), path)
    return str(path)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of torch.hub, and the URLs that were downloaded."""
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    downloads = []

    def download(url, dst, progress=True):
        downloads.append(url)
        save(dst)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    return downloads


def offline(monkeypatch, error):
    def download(url, dst, progress=True):
        raise error

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)


PLACES = {
    'target_generator.init_cfg.checkpoint': lambda file: dict(
        target_generator=dict(
            type='VQKD', init_cfg=dict(type='Pretrained', checkpoint=file)
        )
    ),
    'target_generator.decoder.init_cfg.checkpoint': lambda file: dict(
        target_generator=dict(
            type='DALLETokenizer',
            decoder=dict(
                type='DALLEDecoder',
                init_cfg=dict(type='Pretrained', checkpoint=file),
            ),
        )
    ),
    'target_generator.tokenizer_path': lambda file: dict(
        target_generator=dict(type='CLIPGenerator', tokenizer_path=file)
    ),
    'teacher.tokenizer_path': lambda file: dict(
        teacher=dict(type=CLIPGenerator, tokenizer_path=file)
    ),
    'init_cfg.1.checkpoint': lambda file: dict(
        init_cfg=[
            dict(type='Xavier', layer='Linear'),
            dict(type='mmengine.Pretrained', checkpoint=file),
        ]
    ),
    'necks.0.init_cfg.checkpoint': lambda file: dict(
        necks=[
            dict(
                type='LinearNeck',
                init_cfg=dict(type=PretrainedInit, checkpoint=file),
            )
        ]
    ),
}


@pytest.mark.parametrize('place', PLACES)
def test_a_missing_file_names_key_path_and_option(place, tmp_path):
    cfg = config(dict(type='BEiT', **PLACES[place]('/no/such.pth')))
    with pytest.raises(FileNotFoundError) as error:
        check_weights(cfg)
    message, key = str(error.value), f'model.{place}'
    assert message.startswith(f'{key}: "/no/such.pth" is not a file')
    assert f'--cfg-options {key}=PATH' in message
    # The way out works.
    cfg.merge_from_dict({key: save(tmp_path / 'w.pth')})
    check_weights(cfg)


def test_the_message_names_the_part(tmp_path):
    with pytest.raises(FileNotFoundError, match='weights of DALL-E: put'):
        check_weights(dalle(str(tmp_path)))  # a folder
    cfg = config(dict(type='BEiT', **PLACES['teacher.tokenizer_path']('/no')))
    with pytest.raises(FileNotFoundError, match='of CLIPGenerator: put'):
        check_weights(cfg)


def test_files_below_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    save(tmp_path / 'w.pth')
    check_weights(dalle('~/w.pth'))


@pytest.mark.parametrize(
    'model',
    [
        None,
        dict(type='MAE', init_cfg=dict(type='Xavier', layer='Linear')),
        # A name that only CLIPGenerator takes for a path.
        dict(type='VQKD', tokenizer_path='bert-base'),
        dict(type='NoSuchPart', target=dict(type='HOGGenerator', bins=9)),
    ],
)
def test_nothing_to_find(model, hub):
    check_weights(config(model))
    assert hub == []


def test_a_url_is_downloaded_once_to_where_the_model_looks(hub):
    cfg = dalle(URL)
    before = cfg.to_dict()
    for _ in range(2):
        check_weights(cfg)
    use_safe_loader()
    assert CheckpointLoader.load_checkpoint(URL)['w'].tolist() == [1, 1]
    assert hub == [URL]
    assert cfg.to_dict() == before


@pytest.mark.parametrize(
    'cause',
    [
        urllib.error.URLError('Name or service not known'),
        urllib.error.HTTPError(URL, 404, 'Not Found', None, None),
        http.client.IncompleteRead(b''),
        TimeoutError('timed out'),
    ],
    ids=lambda cause: type(cause).__name__,
)
def test_without_a_network(hub, tmp_path, monkeypatch, cause):
    offline(monkeypatch, cause)
    key = 'model.target_generator.init_cfg.checkpoint'
    with pytest.raises(FileNotFoundError) as error:
        check_weights(dalle(URL))
    message = str(error.value)
    assert message.startswith(f'{key}: the weights of DALL-E could not be had')
    assert f'from {URL} ({type(cause).__name__}: ' in message
    assert f'--cfg-options {key}=PATH' in message
    # Both ways out work.
    cache = message.rpartition('put it into ')[2]
    assert cache == str(tmp_path / 'hub' / 'checkpoints')
    check_weights(dalle(save(tmp_path / 'mine.pth')))
    os.makedirs(cache, exist_ok=True)
    save(Path(cache) / 'dalle.pth')
    check_weights(dalle(URL))


def test_a_wrong_option_is_told_the_url_of_the_config_file(tmp_path):
    file = tmp_path / 'c.py'
    file.write_text(f'model = {dalle(URL).model.to_dict()!r}')
    cfg = Config.fromfile(file)
    option = {'model.target_generator.init_cfg.checkpoint': '/no/such.pth'}
    cfg.merge_from_dict(option)
    with pytest.raises(FileNotFoundError, match=f'has them from {URL}'):
        check_weights(cfg)


def test_what_is_no_weights_is_refused_with_its_key(tmp_path):
    key = '^model.target_generator.init_cfg.checkpoint: '
    marker = tmp_path / 'executed'
    evil = save(tmp_path / 'evil.pth', w=Evil(marker))
    with pytest.raises(ValueError, match=key + '.*evil.pth is refused'):
        check_weights(dalle(evil))
    assert not marker.exists()
    (tmp_path / 'cut.pth').write_bytes(Path(evil).read_bytes()[:100])
    with pytest.raises(ValueError, match=key + '.*could not be read as'):
        check_weights(dalle(str(tmp_path / 'cut.pth')))
    with pytest.raises(ValueError, match=key + '.*Download the file'):
        check_weights(dalle('s3://bucket/dalle.pth'))


def test_a_network_that_converts_what_it_reads_may_have_other_keys(tmp_path):
    path = save(tmp_path / 'a.pth', **{'patch_embed.proj.weight': ONE})
    places = PLACES['target_generator.tokenizer_path'](path)
    check_weights(config(dict(type='EVA', **places)))


def tiny_clip(path):
    """One layer of CLIP in half precision, as its file holds it."""
    block = 'transformer.resblocks.0.attn.in_proj_weight'
    shapes = {
        'visual.conv1.weight': (64, 3, 4, 4),
        'visual.positional_embedding': (5, 64),
        'visual.proj': (64, 8),
        f'visual.{block}': (192, 64),
        block: (192, 64),
        'text_projection': (64, 8),
        'positional_embedding': (7, 64),
        'token_embedding.weight': (10, 64),
        'ln_final.weight': (64,),
    }
    tensors = {k: torch.randn(v).half() for k, v in shapes.items()}
    return save(path, **tensors, input_resolution=torch.tensor(8))


def test_clip_is_read_by_the_safe_loader(tmp_path):
    cfg = dict(
        type='CLIPGenerator',
        tokenizer_path=tiny_clip(tmp_path / 'clip_vit_base_16.pth.tar'),
    )
    check_weights(config(dict(type='EVA', target_generator=cfg)))
    saved = torch.load(cfg['tokenizer_path'], weights_only=True)
    clip = MODELS.build(cfg).tokenizer
    assert torch.equal(clip.visual.proj, saved['visual.proj'].float())


def test_the_torchscript_archive_of_clip_is_refused(tmp_path):
    """The form in which OpenAI gives it away."""
    path = str(tmp_path / 'ViT-B-16.pt')
    layer = torch.nn.Linear(2, 2)
    torch.jit.save(torch.jit.trace(layer, torch.ones(1, 2)), path)
    cfg = dict(type='CLIPGenerator', tokenizer_path=path)
    cfg = config(dict(type='EVA', target_generator=cfg))
    with pytest.raises(ValueError, match='TorchScript'):
        check_weights(cfg)


@pytest.mark.parametrize(
    'launcher, variable',
    [
        ('pytorch', 'LOCAL_RANK'),
        ('slurm', 'SLURM_LOCALID'),
        ('mpi', 'OMPI_COMM_WORLD_LOCAL_RANK'),
    ],
)
def test_one_process_per_machine_reads(hub, monkeypatch, launcher, variable):
    cfg = dalle(URL)
    cfg.launcher = launcher
    # tools/train.py sets it whatever the launcher is.
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setenv(variable, '1')
    check_weights(cfg)
    assert hub == []
    monkeypatch.setenv(variable, '0')
    check_weights(cfg)
    assert hub == [URL]


def test_without_a_launcher_it_always_reads(hub, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '1')
    check_weights(dalle(URL))
    assert hub == [URL]


def test_only_training_needs_them(tmp_path):
    data = tiny_run.write_images(tmp_path / 'data', num=2)
    cfg = tiny_run.pretrain_cfg(data, tiny_run.mae())
    target = dalle('/no/such.pth').model.target_generator
    cfg['model']['target_generator'] = target
    path = tiny_run.write_config(tmp_path / 'tiny.py', cfg)
    cfg = Config.fromfile(path)
    with pytest.raises(FileNotFoundError, match='^model.target_generator'):
        check_config(cfg)
    check_config(cfg, phases=('val', 'test'))


def test_the_tool_stops_before_anything_is_built(
    hub, tmp_path, monkeypatch, capsys
):
    offline(monkeypatch, urllib.error.URLError('no network'))
    train = tiny_run.load_tool('train')
    data = tiny_run.write_images(tmp_path / 'data', num=2)
    cfg = tiny_run.pretrain_cfg(data, tiny_run.mae())
    cfg['model']['target_generator'] = dalle(URL).model.target_generator
    path = tiny_run.write_config(tmp_path / 'tiny.py', cfg)
    work_dir = tmp_path / 'w'
    with pytest.raises(SystemExit, match='2'):
        train.prepare([path, '--work-dir', str(work_dir)])
    assert f'had from {URL}' in capsys.readouterr().err
    assert not work_dir.exists()


@pytest.mark.parametrize(
    'place, model',
    [
        ('load_from', dict(type='MAE')),
        (
            'model.backbone.init_cfg.checkpoint',
            dict(type='MAE', backbone=dict(type='DualNormViT')),
        ),
    ],
)
def test_a_file_of_another_library_is_named_with_the_command(
    tmp_path, place, model
):
    file = save(tmp_path / 'mae.pth', **{'patch_embed.proj.weight': ONE})
    options = {}
    if place == 'load_from':
        options['load_from'] = file
    else:
        model['backbone']['init_cfg'] = dict(
            type='Pretrained', checkpoint=file, prefix=''
        )
    command = f'import_checkpoint.py {file} OUT.pth --from timm'
    with pytest.raises(ValueError, match=f'(?s){place}: .*{command}'):
        check_weights(config(model, **options))


def test_a_part_that_converts_by_itself_may_have_it(tmp_path):
    file = save(tmp_path / 'timm.pth', **{'patch_embed.proj.weight': ONE})
    init_cfg = dict(type='Pretrained', checkpoint=file)
    backbone = dict(type='TIMMBackbone', init_cfg=init_cfg)
    check_weights(config(dict(type='ImageClassifier', backbone=backbone)))
