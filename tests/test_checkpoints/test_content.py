# Copyright (c) aemim_mm contributors. All rights reserved.
import hashlib

from aemim_mm.checkpoints import content


def test_content_not_name(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    for name, text in (('a', b'x'), ('b', b'x'), ('c', b'y')):
        (tmp_path / name).write_bytes(text)
    a, b, c = (content.content_hash(f'~/{name}') for name in 'abc')
    assert a == b == hashlib.sha256(b'x').hexdigest() != c
    assert content.content_hash('~/d') is None


def test_a_url_is_what_the_cache_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(content.torch.hub, 'get_dir', lambda: str(tmp_path))
    assert content.content_hash('https://host/x/w.pth') is None
    (tmp_path / 'checkpoints').mkdir()
    (tmp_path / 'checkpoints/w.pth').write_bytes(b'x')
    digest = hashlib.sha256(b'x').hexdigest()
    assert content.content_hash('https://host/x/w.pth') == digest
