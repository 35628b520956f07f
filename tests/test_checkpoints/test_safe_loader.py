# Copyright (c) aemim_mm contributors. All rights reserved.
import os

import mmengine.runner.checkpoint as stock
import pytest
import torch
from mmengine.runner import CheckpointLoader, load_checkpoint

import aemim_mm
from aemim_mm.checkpoints import (
    safe_loader as checkpoint_schemes,
)
from aemim_mm.checkpoints import (
    use_safe_loader,
)


class _Evil:
    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.fixture
def evil(tmp_path):
    marker = tmp_path / 'executed'
    path = tmp_path / 'evil.pth'
    content = dict(state_dict={}, meta={}, message_hub=_Evil(marker))
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
    torch.save(dict(x=_Evil(marker)), tmp_path / 'evil.pth')
    stock.load_from_local(str(tmp_path / 'evil.pth'), 'cpu')
    assert marker.exists()


def test_init_cfg(make_runner, evil):
    init_cfg = dict(type='Pretrained', checkpoint=evil, prefix='backbone.')
    runner = make_runner(model=dict(backbone=dict(init_cfg=init_cfg)))
    with pytest.raises(ValueError, match=r'evil\.pth is refused'):
        runner.train()


def test_load_from(make_runner, evil):
    with pytest.raises(ValueError, match=r'evil\.pth is refused'):
        make_runner(load_from=evil).train()


def test_resume(make_runner, evil):
    with pytest.raises(ValueError, match=r'evil\.pth is refused'):
        make_runner(load_from=evil, resume=True).train()


def test_automatic_resume(make_runner, evil, tmp_path):
    (tmp_path / 'last_checkpoint').write_text(evil)
    with pytest.raises(ValueError, match=r'evil\.pth is refused'):
        make_runner(resume=True).train()


def test_resume_does_not_execute_the_config_of_the_file(make_runner, tmp_path):
    make_runner().train()
    path, marker = tmp_path / 'epoch_1.pth', tmp_path / 'executed'
    checkpoint = torch.load(path, weights_only=False)
    checkpoint['meta']['config'] = f'import os\nos.mkdir({str(marker)!r})\n'
    torch.save(checkpoint, path)
    runner = make_runner(load_from=str(path), resume=True)
    runner.train()
    assert runner.iter == 8
    assert not marker.exists()


def test_resume_of_a_real_run(make_runner, tmp_path):
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


def test_http_downloads_once(hub):
    url = 'https://host.invalid/a/w.pth?x=1'
    for _ in range(2):
        loaded = CheckpointLoader.load_checkpoint(url, 'cpu')
        assert loaded['state_dict']['w'].tolist() == [1.0, 1.0]
    assert hub == [url]


def test_http_file_is_not_executed(hub, evil, tmp_path):
    cache = tmp_path / 'hub' / 'checkpoints'
    cache.mkdir(parents=True)
    os.rename(evil, cache / 'evil.pth')
    with pytest.raises(ValueError, match=r'evil\.pth is refused'):
        load_checkpoint(torch.nn.Linear(1, 1), 'http://host.invalid/evil.pth')


def test_url_without_a_file(hub):
    with pytest.raises(ValueError, match='does not name a file'):
        CheckpointLoader.load_checkpoint('https://host.invalid')


def test_names_that_stand_for_urls(hub):
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
def test_other_schemes_are_refused(name):
    with pytest.raises(ValueError, match='Download the file'):
        CheckpointLoader.load_checkpoint(name)


def test_no_scheme_is_left_to_the_stock_loaders():
    assert aemim_mm.__version__
    use_safe_loader()
    use_safe_loader()
    for name in ('f.pth', 'http://f', 'https://f', 'torchvision://f'):
        loader = CheckpointLoader._get_checkpoint_loader(name)
        assert loader.__module__ == checkpoint_schemes.__name__
    left = {f.__module__ for f in CheckpointLoader._schemes.values()}
    assert left == {checkpoint_schemes.__name__}
