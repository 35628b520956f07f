# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import numpy as np
import pytest
import torch
from fashion_mnist_files import write_fashion_mnist
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpretrain.registry import MODELS
from tiny_run import load_tool

from aemim_mm.attacks import FGSMAttack
from aemim_mm.evaluation import (
    PixelClassifier,
    pixel_batches,
    robust_accuracy,
)
from aemim_mm_cli.choices import CORRUPTIONS

pytest.importorskip('imagecorruptions')
pytestmark = pytest.mark.slow

PER_CLASS = 1


@pytest.fixture(scope='module')
def tool():
    return load_tool('robustness_demo')


def write_demo(tool, folder):
    """What a finished demo leaves; the model has random weights."""
    write_fashion_mnist(folder / 'data')
    cfg = Config.fromfile(tool.CONFIG)
    cfg.val_dataloader.dataset.data_root = str(folder / 'data')
    cfg.val_dataloader.num_workers = 0
    init_default_scope('mmpretrain')
    cfg.model.backbone.pop('init_cfg')
    cfg.model.setdefault('data_preprocessor', cfg.data_preprocessor)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.nn.init.normal_(model.head.fc.weight)
    loader = Runner.build_dataloader(cfg.val_dataloader, seed=0)
    # mmpretrain's own loading of Fashion-MNIST, not that of the suite.
    images = pixel_batches(loader)
    classifier = PixelClassifier.from_mmpretrain(model)
    (top1,) = robust_accuracy(classifier, images, FGSMAttack(), [0]).top1()
    finetune = folder / 'demo' / 'finetune'
    finetune.mkdir(parents=True)
    checkpoint = finetune / 'epoch_4.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    (finetune / 'last_checkpoint').write_text(str(checkpoint))
    write_summary(folder, top1)
    return top1


def write_summary(folder, top1):
    path = folder / 'demo' / 'summary.json'
    path.write_text(json.dumps(dict(finetune=dict(top1=top1))))


def options(folder):
    return [
        *('--demo-dir', str(folder / 'demo'), '--work-dir', str(folder / 'r')),
        *('--data-root', str(folder / 'data'), '--per-class', str(PER_CLASS)),
    ]


@pytest.fixture(scope='module')
def finished(tool, tmp_path_factory):
    """The folder, the demo's top-1, and what main() returned."""
    folder = tmp_path_factory.mktemp('robustness_demo')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, 'prepare_fashion_mnist', lambda root: root)
        top1 = write_demo(tool, folder)
        return folder, top1, tool.main(options(folder))


def test_results(finished):
    folder, top1, code = finished
    assert code == 0
    results = json.loads((folder / 'r' / 'results.json').read_text())
    # Both loaders gave the same pixels: 64 test images, 10 of them attacked.
    assert results['imagenet']['images'] == 64
    assert results['imagenet']['top1'] == pytest.approx(top1)
    assert 0 < top1 < 100
    assert set(results['c']['per_corruption']) == set(CORRUPTIONS)
    assert results['c']['images'] == results['pgd']['images'] == 10
    assert results['c']['mce'] is None and results['score'] is None
    assert list(results['fgsm'])[:5] == ['0', '1', '2', '4', '8']
    found = np.load(folder / 'r' / results['curve']['minimal_eps'])
    labels = [name.split('/')[0] for name in found['image']]
    assert len(set(labels)) == 10
    page = (folder / 'r' / 'results.md').read_text()
    assert 'robustness_curve.png' in page
    assert (folder / 'r' / 'robustness_curve.png').is_file()


def test_attacked_are_the_first_images_of_each_class(finished):
    lines = (finished[0] / 'r' / f'{PER_CLASS}_per_class.txt').read_text()
    rows = [line.rsplit(' ', 1) for line in lines.splitlines()]
    # Test image i has class i % 10; files are numbered.
    assert sorted((int(label), name[-9:]) for name, label in rows) == [
        (i, f'{i:05d}.png') for i in range(10)
    ]


def test_another_accuracy_than_the_demo_s_is_a_failure(
    finished, tool, monkeypatch, capsys
):
    folder, top1, _ = finished
    monkeypatch.setattr(tool, 'prepare_fashion_mnist', lambda root: root)
    calls = []
    monkeypatch.setattr(tool, 'run_tool', lambda *args: calls.append(args))
    write_summary(folder, top1 + 1.6)
    assert tool.main(options(folder)) == 1
    write_summary(folder, top1)
    assert 'they must be the same' in capsys.readouterr().err
    assert [path.name for path, *_ in calls] == [
        'make_corruptions.py',
        'evaluate_robustness.py',
    ]


def test_the_demo_runs_first_where_it_has_not(tool, tmp_path, monkeypatch):
    (tmp_path / 'demo').mkdir()

    def run(path, *args):
        assert path.name == 'demo.py' and args[0] == '--resume'
        assert tmp_path / 'demo' in args
        write_summary(tmp_path, 84.5)
        (tmp_path / 'demo' / 'finetune').mkdir()
        (tmp_path / 'demo' / 'finetune' / 'last_checkpoint').write_text('x')

    monkeypatch.setattr(tool, 'run_tool', run)
    found = tool.trained_classifier(tmp_path / 'demo', tmp_path / 'data')
    assert found == ('x', 84.5)
