# Copyright (c) aemim_mm contributors. All rights reserved.
import os
import subprocess
import sys

import pytest
import torch
from evil_files import Evil
from mmengine.runner import CheckpointLoader, load_checkpoint

from aemim_mm.checkpoints import (
    read_checkpoint,
    safe_loader,
    use_safe_loader,
)
from aemim_mm.models.backbones import DualNormViT


@pytest.fixture
def use():
    use_safe_loader()


@pytest.fixture(params=['the call', 'the hook'])
def hooks(request):
    """The two ways to ask for the safe loaders."""
    if request.param == 'the hook':
        return [dict(type='CheckpointFitHook')]
    use_safe_loader()
    return []


@pytest.fixture
def evil(tmp_path):
    marker = tmp_path / 'executed'
    path = tmp_path / 'evil.pth'
    content = dict(state_dict={}, meta={}, message_hub=Evil(marker))
    torch.save(content, path)
    yield str(path)
    assert not marker.exists()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of torch.hub, and the URLs that were downloaded."""
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    downloads = []

    def download(url, dst, progress=True):
        downloads.append(url)
        torch.save(dict(state_dict=dict(w=torch.ones(2))), dst)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    return downloads


def test_the_stock_loader_executes_it(tmp_path):
    # The reason for all this: on refusal mmengine's own loader falls back.
    marker = tmp_path / 'executed'
    torch.save(dict(x=Evil(marker)), tmp_path / 'evil.pth')
    CheckpointLoader.load_checkpoint(str(tmp_path / 'evil.pth'), 'cpu')
    assert marker.exists()


@pytest.mark.parametrize('road', ['init_cfg', 'load_from', 'resume', 'auto'])
def test_training_refuses_it(make_runner, evil, tmp_path, hooks, road):
    init_cfg = dict(type='Pretrained', checkpoint=evil, prefix='backbone.')
    (tmp_path / 'last_checkpoint').write_text(evil)
    options = {
        'init_cfg': dict(model=dict(backbone=dict(init_cfg=init_cfg))),
        'load_from': dict(load_from=evil),
        'resume': dict(load_from=evil, resume=True),
        'auto': dict(resume=True),
    }[road]
    with pytest.raises(ValueError, match=r'evil\.pth is refused'):
        make_runner(hooks=hooks, **options).train()


def test_resume_does_not_execute_the_config_of_the_file(
    make_runner, tmp_path, hooks
):
    make_runner().train()
    path, marker = tmp_path / 'epoch_1.pth', tmp_path / 'executed'
    checkpoint = torch.load(path, weights_only=False)
    checkpoint['meta']['config'] = f'import os\nos.mkdir({str(marker)!r})\n'
    torch.save(checkpoint, path)
    runner = make_runner(hooks=hooks, load_from=str(path), resume=True)
    runner.train()
    assert runner.iter == 8
    assert not marker.exists()


def test_resume_of_a_real_run(make_runner, tmp_path, use):
    whole = make_runner(work_dir=tmp_path / 'whole')
    whole.train()
    resumed = make_runner(
        work_dir=tmp_path / 'resumed',
        load_from=str(tmp_path / 'whole' / 'epoch_1.pth'),
        resume=True,
    )
    resumed.train()
    for a, b in zip(
        whole.model.parameters(), resumed.model.parameters(), strict=True
    ):
        assert torch.equal(a, b)


def test_http_downloads_once(hub, use):
    url = 'https://host.invalid/a/w.pth?x=1'
    for _ in range(2):
        loaded = CheckpointLoader.load_checkpoint(url, 'cpu')
        assert loaded['state_dict']['w'].tolist() == [1.0, 1.0]
    assert hub == [url]


def test_http_file_is_not_executed(hub, evil, tmp_path, use):
    cache = tmp_path / 'hub' / 'checkpoints'
    cache.mkdir(parents=True)
    os.rename(evil, cache / 'evil.pth')
    with pytest.raises(ValueError, match=r'evil\.pth is refused'):
        load_checkpoint(torch.nn.Linear(1, 1), 'http://host.invalid/evil.pth')


def test_url_without_a_file(hub, use):
    with pytest.raises(ValueError, match='does not name a file'):
        CheckpointLoader.load_checkpoint('https://host.invalid')


def test_names_that_stand_for_urls(hub, use):
    CheckpointLoader.load_checkpoint('torchvision://resnet18.default', 'cpu')
    CheckpointLoader.load_checkpoint('open-mmlab://resnet50_caffe', 'cpu')
    assert [url.rpartition('/')[2].split('-')[0] for url in hub] == [
        'resnet18',
        'resnet50_caffe',
    ]
    with pytest.raises(ValueError, match='torchvision://nothing does not'):
        CheckpointLoader.load_checkpoint('torchvision://nothing')


@pytest.mark.parametrize(
    'name',
    ['s3://b/f.pth', 'c:s3://b/f.pth', 'petrel://f', 'pavi://f', 'mmcls://f'],
)
def test_other_schemes_are_refused(name, use):
    with pytest.raises(ValueError, match='Download the file'):
        CheckpointLoader.load_checkpoint(name)


def test_the_call_and_not_the_import_replaces_every_loader():
    code = (
        'from mmengine.runner import CheckpointLoader\n'
        'before = dict(CheckpointLoader._schemes)\n'
        'import aemim_mm.config_check, aemim_mm.robustness\n'
        'assert CheckpointLoader._schemes == before\n'
        'aemim_mm.checkpoints.use_safe_loader()\n'
        'aemim_mm.checkpoints.use_safe_loader()\n'
        'after = CheckpointLoader._schemes\n'
        'assert list(after) == list(before)\n'
        'for f in after.values():\n'
        f'    assert f.__module__ == {safe_loader.__name__!r}, f\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def _load_adapters(path):
    init_cfg = dict(type='Pretrained', checkpoint=path)
    model = DualNormViT('deit-tiny', adapters=('norm',), init_cfg=init_cfg)
    model._load_algorithm_adapters(init_cfg)


@pytest.mark.parametrize('load', [read_checkpoint, _load_adapters])
def test_own_code_needs_no_call(evil, load):
    before = dict(CheckpointLoader._schemes)
    with pytest.raises(ValueError, match=r'evil\.pth is refused'):
        load(evil)
    assert CheckpointLoader._schemes == before


def test_prefixes_without_the_call(hub):
    read_checkpoint('torchvision://resnet18.default')
    assert len(hub) == 1
    with pytest.raises(ValueError, match='Download the file'):
        read_checkpoint('s3://b/f.pth')


def test_a_loader_of_the_user_is_used():
    @CheckpointLoader.register_scheme('own://')
    def load(filename, map_location):
        return dict(name=filename, device=map_location)

    expected = dict(name='own://w', device='cpu')
    assert read_checkpoint('own://w', 'cpu') == expected
    use_safe_loader()
    assert read_checkpoint('own://w', 'cpu') == expected
