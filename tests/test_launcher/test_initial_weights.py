# Copyright (c) aemim_mm contributors. All rights reserved.
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import timm
import torch
from foreign_files import mae_weights
from mmpretrain.registry import MODELS
from timm.models import save_for_hf

from aemim_mm.checkpoints import read_checkpoint
from aemim_mm.checkpoints.terms import terms_of
from aemim_mm.export import load_export
from aemim_mm.importing import checkpoint as importing
from aemim_mm.launcher import initial_weights as module
from aemim_mm.launcher.initial_weights import initial_weights

# Of a usual size: shapes do not tell the number of heads.
TINY = 'vit_tiny_patch16_224'


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    return tmp_path / 'hub'


@pytest.fixture
def imports(monkeypatch):
    """What was imported."""
    files = []

    def import_checkpoint(file, *args, **options):
        files.append(file)
        return importing.import_checkpoint(file, *args, **options)

    monkeypatch.setattr(module, 'import_checkpoint', import_checkpoint)
    return files


def named_by_timm(model, tmp_path, monkeypatch):
    def create_model(name, pretrained):
        assert (name, pretrained) == (TINY, True)
        return model

    monkeypatch.setattr(timm, 'create_model', create_model)
    return f'timm:{TINY}'


def bare_file(model, tmp_path, monkeypatch):
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    return str(tmp_path / 'weights.pth')


def saved_folder(model, tmp_path, monkeypatch):
    save_for_hf(model, tmp_path / 'saved', safe_serialization=True)
    return str(tmp_path / 'saved')


def own_backbone(model, tmp_path, monkeypatch):
    encoder = MODELS.build(
        dict(type='mmpretrain.VisionTransformer', arch='deit-t')
    )
    torch.save(encoder.state_dict(), tmp_path / 'backbone.pth')
    return str(tmp_path / 'backbone.pth')


@pytest.mark.parametrize(
    'road', [named_by_timm, bare_file, saved_folder, own_backbone]
)
def test_foreign_weights_are_imported_once(
    road, hub, tmp_path, monkeypatch, imports, capsys
):
    value = road(timm.create_model(TINY, num_classes=0), tmp_path, monkeypatch)
    path = initial_weights(value)
    assert Path(path).parent == hub / 'aemim_imported'
    assert f'imported as {path}' in capsys.readouterr().out
    weights, _ = load_export(path)
    assert all(key.startswith('backbone.') for key in weights)
    assert initial_weights(value) == path
    assert len(imports) == 1
    # what is imported is itself a file to start from
    assert initial_weights(path) == path
    # another version of the package may import in another way
    monkeypatch.setattr(module, '__version__', '99.0')
    assert initial_weights(value) != path
    assert len(imports) == 2


@pytest.mark.parametrize('url', [False, True])
def test_one_process_downloads_and_imports_for_all(
    hub, tmp_path, monkeypatch, imports, url
):
    content = timm.create_model(TINY, num_classes=0).state_dict()
    cached = hub / 'checkpoints' / 'weights.pth'
    cached.parent.mkdir(parents=True)
    torch.save(content, tmp_path / 'weights.pth')
    downloads = []

    def read(file, device):
        if '://' in file and not cached.exists():
            downloads.append(file)
            time.sleep(0.1)
            torch.save(content, cached)
        return content

    monkeypatch.setattr(module, 'read_checkpoint', read)
    value = 'https://host/weights.pth' if url else f'{tmp_path}/weights.pth'
    with ThreadPoolExecutor(4) as processes:
        (out,) = set(processes.map(initial_weights, [value] * 4))
    assert Path(out).is_file()
    assert len(imports) == 1 and len(downloads) == url
    # A cache that is filled is only read: it may be another user's.
    monkeypatch.setattr(module, '_alone', None)
    assert initial_weights(value) == out


def test_another_file_of_the_same_name_is_another_import(hub, tmp_path):
    paths = {
        initial_weights(
            bare_file(timm.create_model(TINY, num_classes=0), tmp_path, None)
        )
        for _ in range(2)
    }
    assert len(paths) == 2


def test_the_decoder_of_mae_and_its_licence_come_along(hub, tmp_path):
    weights = timm.create_model(TINY, num_classes=0).state_dict()
    decoder = mae_weights()
    weights |= {k: v for k, v in decoder.items() if 'decoder' in k}
    weights['mask_token'] = decoder['mask_token']
    weights['decoder_embed.weight'] = torch.zeros(
        len(decoder['decoder_embed.weight']), 192
    )
    weights['decoder_pred.weight'] = torch.zeros(
        768, len(decoder['decoder_embed.weight'])
    )
    weights['decoder_pred.bias'] = torch.zeros(768)
    weights['decoder_pos_embed'] = torch.zeros(
        1, 197, len(decoder['decoder_embed.weight'])
    )
    torch.save(dict(model=weights), tmp_path / 'mae.pth')
    path = initial_weights(str(tmp_path / 'mae.pth'))
    assert 'neck.decoder_embed.weight' in load_export(path)[0]
    (terms,) = terms_of(read_checkpoint(path), path)
    assert terms['license'] == 'cc-by-nc-4.0'


def without_network(path, monkeypatch):
    def create_model(name, pretrained):
        raise OSError('no route')

    monkeypatch.setattr(timm, 'create_model', create_model)
    return f'timm:{TINY}'


def layer_scale(path, monkeypatch):
    model = timm.create_model(TINY, init_values=0.1)
    torch.save(model.state_dict(), path)


def damaged(path, monkeypatch):
    path.write_bytes(b'PK not a zip')


def unknown_keys(path, monkeypatch):
    torch.save({'stem.weight': torch.zeros(1)}, path)


def nothing(path, monkeypatch):
    pass


@pytest.mark.parametrize(
    'make, error, message',
    [
        (without_network, ValueError, 'timm:vit_tiny.*no route'),
        (layer_scale, ValueError, r'ls1\.gamma'),
        (damaged, ValueError, r'file\.pth'),
        (unknown_keys, ValueError, 'stem'),
        (nothing, FileNotFoundError, r'file\.pth.*timm:NAME'),
    ],
)
def test_what_cannot_be_had_or_used(
    hub, tmp_path, monkeypatch, make, error, message
):
    path = tmp_path / 'file.pth'
    value = make(path, monkeypatch) or str(path)
    with pytest.raises(error, match=f'(?s)^init: .*{message}'):
        initial_weights(value)
    assert not list((hub / 'aemim_imported').glob('*'))
