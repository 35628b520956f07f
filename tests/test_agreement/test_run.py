# Copyright (c) aemim_mm contributors. All rights reserved.
"""The data sets of a run, its lengths, and their way to the Runner."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_run
import torch
from fashion_mnist_files import write_fashion_mnist
from mmengine.config import Config
from mmpretrain.datasets import CustomDataset
from test_agreement.table import argv, changed, classification

from aemim_mm.agreement import Run
from aemim_mm.agreement.origin import delete_outdated, delete_overwritten
from aemim_mm.agreement.stored_run import StoredRun
from aemim_mm.launcher.run_options import build_runner

REPEATED = dict(type='RepeatAugSampler')


@pytest.fixture(scope='module')
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp('prepared')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        tool = tiny_run.load_tool('train')
        return tool.prepare(argv(folder, classification(folder)))[0]


@pytest.fixture
def run(prepared):
    return copy.deepcopy(prepared)


def test_files_are_listed_once(tmp_path, monkeypatch):
    listed = []
    load = CustomDataset.load_data_list
    monkeypatch.setattr(
        CustomDataset,
        'load_data_list',
        lambda self: listed.append(self.data_root) or load(self),
    )
    monkeypatch.chdir(tmp_path)
    tool = tiny_run.load_tool('train')
    run, _ = tool.prepare(argv(tmp_path, classification(tmp_path)))
    runner = build_runner(run.cfg, run.data)
    loader = runner.build_dataloader(runner._train_dataloader)
    assert loader.dataset is run.data['train']
    assert len(loader) == run.iterations_per_epoch == 6
    assert sorted(listed) == [str(tmp_path / d) for d in ('train', 'val')]
    # What the run's folder keeps names the data set, not the object.
    assert runner.cfg.train_dataloader.dataset.type == 'CustomDataset'


def test_data_sets_draw_as_the_seed_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load = CustomDataset.load_data_list

    def some(self):
        images = load(self)
        return [images[i] for i in np.random.permutation(len(images))[:5]]

    monkeypatch.setattr(CustomDataset, 'load_data_list', some)
    tool = tiny_run.load_tool('train')
    cfg = changed(classification(tmp_path), {'randomness.seed': 0})
    drawn = set()
    for _ in range(3):
        run, _ = tool.prepare(argv(tmp_path, cfg))
        dataset = run.dataset('train')
        paths = [dataset.get_data_info(i)['img_path'] for i in range(5)]
        drawn.add(tuple(paths))
    assert len(drawn) == 1


def test_processes_draw_alike_without_a_seed(run):
    run.processes = 2
    run._seed()
    first = np.random.rand()
    run._seed()
    assert np.random.rand() == first


def test_overwritten_checkpoints_are_deleted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tool = tiny_run.load_tool('train')
    work_dir = tmp_path / 'w'
    work_dir.mkdir()
    for name in ('epoch_7.pth', 'last_checkpoint', 'exported.pth'):
        (work_dir / name).write_text('')
    cfg = classification(tmp_path)
    arguments = argv(tmp_path, cfg, '--work-dir', 'w', '--overwrite')
    run, _ = tool.prepare(arguments)
    delete_overwritten(run)
    assert [path.name for path in work_dir.iterdir()] == ['exported.pth']


def test_a_finished_run_deletes_what_it_was_about_to(tmp_path):
    names = ('epoch_2.pth', 'epoch_3.pth', 'best_x.pth')
    for name in names:
        (tmp_path / name).touch()
    outdated = [f'elsewhere/{name}' for name in ('epoch_2.pth', 'best_x.pth')]
    content = dict(
        meta=dict(epoch=4, iter=24),
        optimizer={},
        message_hub=dict(runtime_info=dict(outdated_ckpts=outdated)),
    )
    torch.save(content, tmp_path / 'epoch_4.pth')
    run = SimpleNamespace(
        stored=StoredRun(str(tmp_path / 'epoch_4.pth')),
        cfg=SimpleNamespace(work_dir=str(tmp_path)),
    )
    other = SimpleNamespace(work_dir=str(tmp_path / 'other'))
    delete_outdated(SimpleNamespace(stored=run.stored, cfg=other))
    assert len(list(tmp_path.iterdir())) == 4
    for _ in range(2):  # another process may be first
        delete_outdated(run)
        left = sorted(path.name for path in tmp_path.iterdir())
        assert left == ['best_x.pth', 'epoch_3.pth', 'epoch_4.pth']


def test_a_set_that_is_there_is_not_downloaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = str(tmp_path / 'data')
    data = dict(type='FashionMNIST', data_root=root, split='train')
    loader = dict(batch_size=4, dataset=dict(**data, pipeline=[]))
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            launcher='pytorch',
            train_dataloader=loader,
        )
    )
    monkeypatch.setenv('WORLD_SIZE', '2')
    assert Run(cfg).dataset('train') is None
    write_fashion_mnist(tmp_path / 'data')
    assert len(Run(cfg).dataset('train')) > 0


@pytest.mark.parametrize(
    'changes, processes, iterations',
    [
        ({}, 1, 6),
        ({'batch_size': 5}, 1, 5),
        ({'batch_size': 5, 'drop_last': True}, 1, 4),
        ({'batch_size': 5}, 3, 2),
        ({'batch_size': 5, 'drop_last': True}, 3, 1),
        ({'num_batch_per_epoch': 2}, 1, 2),
        ({'sampler': REPEATED}, 1, 6),
        ({'sampler': REPEATED, 'batch_size': 5}, 3, 2),
    ],
)
def test_iterations_equal_those_of_the_loader(
    run, monkeypatch, changes, processes, iterations
):
    for module in (
        'mmengine.dataset.sampler',
        'mmpretrain.datasets.samplers.repeat_aug',
    ):
        monkeypatch.setattr(f'{module}.get_dist_info', lambda: (0, processes))
    monkeypatch.setattr(
        'mmengine.runner.runner.get_world_size', lambda: processes
    )
    changes = {f'train_dataloader.{key}': v for key, v in changes.items()}
    run.cfg.merge_from_dict(changes)
    run.processes = processes
    runner = build_runner(run.cfg, run.data)
    loader = runner.build_dataloader(runner._train_dataloader, seed=0)
    assert run.iterations_per_epoch == len(loader) == iterations


@pytest.mark.parametrize(
    'train_cfg, epochs, iterations',
    [
        (dict(by_epoch=True, max_epochs=3), 3, 18),
        (dict(type='EpochBasedTrainLoop', max_epochs=3), 3, 18),
        (dict(by_epoch=False, max_iters=7), None, 7),
        (dict(type='IterBasedTrainLoop', max_iters=7), None, 7),
    ],
)
def test_length(run, train_cfg, epochs, iterations):
    run.cfg.train_cfg = train_cfg
    assert run.length(by_epoch=True) == epochs
    assert run.length(by_epoch=False) == iterations


@pytest.mark.parametrize(
    'launcher, variable',
    [
        ('pytorch', 'WORLD_SIZE'),
        ('slurm', 'SLURM_NTASKS'),
        ('mpi', 'OMPI_COMM_WORLD_SIZE'),
    ],
)
def test_processes(run, monkeypatch, launcher, variable):
    monkeypatch.setenv(variable, '4')
    assert Run(run.cfg).processes == 1
    cfg = run.cfg
    cfg.launcher = launcher
    assert Run(cfg).processes == 4


def test_a_sampler_of_its_own_decides(run):
    run.cfg.train_dataloader.sampler = dict(type='InfiniteSampler')
    assert run.iterations_per_epoch is None
    assert run.length(by_epoch=False) is None


def test_phases_without_data_are_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tool = tiny_run.load_tool('train')
    cfg = changed(classification(tmp_path), {})
    run, _ = tool.prepare(argv(tmp_path, cfg, '--no-validate'))
    assert run.phases == ('train',)
    assert list(run.data) == ['train']
    assert run.dataset('val') is None
