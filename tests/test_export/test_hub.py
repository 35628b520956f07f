# Copyright (c) aemim_mm contributors. All rights reserved.
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from aemim_mm.export import export_backbone, hub
from aemim_mm.export.hub import check_push, push


@pytest.mark.parametrize('public', [False, True])
def test_push_is_by_timm_and_private_unless_told(
    zoo, tmp_path, monkeypatch, public
):
    asked = {}

    class Hub:
        """The Hub's client; the network is left out."""

        def __init__(self, **kwargs):
            pass

        def create_repo(self, name, private, exist_ok):
            asked.update(name=name, private=private)
            return type('Url', (), dict(repo_id=name))

        def file_exists(self, **kwargs):
            return False

        def upload_folder(self, folder_path, **kwargs):
            weights = load_file(f'{folder_path}/model.safetensors')
            asked['types'] = {value.dtype for value in weights.values()}
            asked['files'] = {
                path.name: path.read_text(errors='replace')
                for path in Path(folder_path).iterdir()
            }

    monkeypatch.setattr('timm.models._hub.HfApi', Hub)
    file = zoo.save('token')
    args = dict(license='mit', dtype=torch.float16)
    export_backbone(file, tmp_path / 'mine', 'timm', **args)
    address = push(tmp_path / 'mine', 'me/mine', public=public)
    assert address == 'https://huggingface.co/me/mine'
    assert (asked['name'], asked['private']) == ('me/mine', not public)
    assert asked['types'] == {torch.float16}
    files = asked['files']
    assert files.keys() == {'config.json', 'model.safetensors', 'README.md'}
    written = json.loads((tmp_path / 'mine' / 'config.json').read_text())
    assert json.loads(files['config.json']) == written
    assert 'license: mit' in files['README.md']
    assert "'hf-hub:me/mine'" in files['README.md']


def test_what_a_push_needs(monkeypatch):
    monkeypatch.setattr('huggingface_hub.get_token', lambda: None)
    with pytest.raises(ValueError, match='hf auth login'):
        check_push('me/mine')
    for name in ('mine', 'a/b/c', 'me/'):
        with pytest.raises(ValueError, match='USER/NAME'):
            check_push(name)
    monkeypatch.setattr('huggingface_hub.get_token', lambda: 'hf_x')
    check_push('me/mine')


def test_a_push_that_fails_leaves_the_folder(zoo, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError('no network')

    monkeypatch.setattr(hub, 'push_to_hf_hub', refuse)
    export_backbone(zoo.save('token'), tmp_path / 'mine', 'timm')
    with pytest.raises(RuntimeError, match='is written.*no network'):
        push(tmp_path / 'mine', 'me/mine')
