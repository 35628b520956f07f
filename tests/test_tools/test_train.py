# Copyright (c) aemim_mm contributors. All rights reserved.
import signal
import sys
from contextlib import nullcontext

import pytest
import tiny_run
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS

from aemim_mm.visualization import epoch_means, read_scalars

train = tiny_run.load_tool('train')


def merged(*options, **cfg):
    cfg = Config({**tiny_run.pretrain_cfg('data', tiny_run.mae()), **cfg})
    return train.merge_args(cfg, train.parse_args(['c/x.py', *options]))


def test_defaults_of_epoch_based_training():
    cfg = merged(val_dataloader=dict(num_workers=1))
    loader = cfg.train_dataloader
    assert loader.worker_init_fn == dict(type='seed_worker')
    assert loader.persistent_workers is False
    assert loader.pin_memory is True
    assert loader.collate_fn == dict(type='default_collate')
    assert cfg.val_dataloader.persistent_workers is True
    assert 'worker_init_fn' not in cfg.val_dataloader
    assert cfg.work_dir == './work_dirs/x'
    assert cfg.launcher == 'none'
    assert not cfg.get('resume')


@pytest.mark.parametrize(
    'train_cfg',
    [
        dict(by_epoch=False, max_iters=4),
        dict(type='IterBasedTrainLoop', max_iters=4),
    ],
)
def test_iteration_based_training_keeps_its_workers(train_cfg):
    loader = merged(
        train_cfg=train_cfg, randomness=dict(diff_rank_seed=False)
    ).train_dataloader
    assert 'worker_init_fn' not in loader
    loader = merged(
        train_cfg=train_cfg, randomness=dict(seed=0, diff_rank_seed=True)
    ).train_dataloader
    # Or a resumed run would repeat the augmentations of its beginning.
    assert loader.worker_init_fn == dict(type='seed_worker')
    assert loader.persistent_workers is True


def test_config_wins_over_the_defaults():
    loader = dict(
        num_workers=2,
        persistent_workers=True,
        disable_subprocess_warning=True,
    )
    cfg = merged(train_dataloader=loader)
    assert cfg.train_dataloader.persistent_workers is True
    assert cfg.train_dataloader.worker_init_fn == dict(
        type='seed_worker', disable_subprocess_warning=True
    )
    assert 'disable_subprocess_warning' not in cfg.train_dataloader
    cfg = merged('--no-persistent-workers', train_dataloader=loader)
    assert cfg.train_dataloader.persistent_workers is False


def test_no_workers_are_not_persistent():
    cfg = merged(
        '--cfg-options', 'val_dataloader.num_workers=0', val_dataloader=dict()
    )
    assert cfg.val_dataloader.persistent_workers is False


def test_options():
    cfg = merged(
        '--work-dir',
        'w',
        '--no-validate',
        '--amp',
        '--auto-scale-lr',
        '--no-pin-memory',
        '--launcher',
        'slurm',
        '--cfg-options',
        'optim_wrapper.loss_scale=8.0',
        'randomness.seed=7',
        val_dataloader=dict(),
        val_cfg=dict(),
        val_evaluator=dict(),
        optim_wrapper=dict(type='OptimWrapper'),
    )
    assert cfg.work_dir == 'w'
    assert cfg.val_dataloader is cfg.val_cfg is cfg.val_evaluator is None
    assert cfg.optim_wrapper == dict(type='AmpOptimWrapper', loss_scale=8.0)
    assert cfg.auto_scale_lr == dict(base_batch_size=16, enable=True)
    assert cfg.train_dataloader.pin_memory is False
    assert cfg.launcher == 'slurm'
    assert cfg.randomness.seed == 7


def test_no_validation_whatever_is_said_of_it():
    cfg = tiny_run.pretrain_cfg('data', tiny_run.mae())
    cfg['val_dataloader'] = dict(cfg['train_dataloader'])
    options = '--cfg-options', 'val_dataloader.dataset.data_root=x'
    cfg = Config(dict(cfg, val_cfg=dict(), val_evaluator=[]))
    args = train.parse_args(['a.py', '--no-validate', *options])
    cfg = train.merge_args(cfg, args)
    assert cfg.val_dataloader is cfg.val_cfg is cfg.val_evaluator is None


@pytest.mark.parametrize('fails', [True, False])
def test_overwriting_waits_for_a_first_step(tmp_path, monkeypatch, fails):
    """What a run gives up is kept while it is not known that it trains."""
    data = tiny_run.write_images(tmp_path / 'data', num=4)
    if fails:
        for path in (tmp_path / 'data').rglob('*.png'):
            path.write_bytes(b'none')
    cfg = tiny_run.pretrain_cfg(
        data, tiny_run.mae(), train_cfg=dict(type='IterBasedTrainLoop')
    )
    cfg['train_cfg']['max_iters'] = 3
    cfg['train_dataloader']['num_workers'] = 0
    cfg['optim_wrapper'] = dict(optimizer=dict(type='SGD', lr=0.1))
    cfg['default_hooks']['checkpoint'].update(by_epoch=False)
    path = tiny_run.write_config(tmp_path / 'tiny.py', cfg)
    work_dir = tmp_path / 'w'
    work_dir.mkdir()
    for name in ('epoch_2.pth', 'iter_1.pth'):
        (work_dir / name).write_bytes(b'of another run')
    arguments = [path, '--work-dir', work_dir, '--overwrite']
    argv = ['train.py', *map(str, arguments)]
    monkeypatch.setattr(sys, 'argv', argv)
    if fails:
        with pytest.raises(SystemExit):
            train.main()
        kept = {path.name for path in work_dir.glob('*.pth')}
        assert kept == {'epoch_2.pth', 'iter_1.pth'}
        return
    train.main()
    kept = {path.name for path in work_dir.glob('*.pth')}
    assert kept == {f'iter_{n}.pth' for n in (1, 2, 3)}
    assert (work_dir / 'iter_1.pth').stat().st_size > 1000
    # The log of such a run has no epochs, and a point for each entry.
    means = epoch_means(read_scalars(work_dir))
    assert means['epoch'] == [1, 2, 3]


@pytest.fixture
def run_main(monkeypatch, tmp_path):
    """Run the tool in this process, with a runner that only says 'train'."""
    data = tiny_run.write_images(tmp_path / 'data', num=4)
    said, built = [], []

    class FakeRunner:
        def register_hook(self, hook, priority):
            pass

        def train(self):
            said.append('train')
            if run.interrupt:
                signal.raise_signal(signal.SIGTERM)

    def build_runner(cfg, datasets):
        built.append(cfg)
        return FakeRunner()

    monkeypatch.setattr(train.run_options, 'build_runner', build_runner)
    monkeypatch.setattr(
        train, 'print_log', lambda text, logger: said.append(text)
    )

    def run(*options, **cfg):
        cfg = tiny_run.pretrain_cfg(data, tiny_run.mae(), **cfg)
        path = tiny_run.write_config(tmp_path / 'tiny.py', cfg)
        argv = ['train.py', path, '--work-dir', str(tmp_path / 'w'), *options]
        monkeypatch.setattr(sys, 'argv', argv)
        said.clear()
        built.clear()
        train.main()
        return (built or [None])[0], said

    run.built = built
    run.interrupt = False
    return run


def test_before_the_first_step_another_runs_checkpoint_is_not_named(
    run_main, tmp_path, capsys
):
    old = tmp_path / 'w' / 'epoch_1.pth'
    old.parent.mkdir()
    torch.save(dict(meta=dict(epoch=1, iter=1), optimizer={}), old)
    (tmp_path / 'w/last_checkpoint').write_text(f'{old}\n')
    run_main.interrupt = True
    child = signal.getsignal(signal.SIGCHLD)
    with pytest.raises(SystemExit) as stop:
        run_main('--overwrite')
    signal.signal(signal.SIGCHLD, child)
    assert stop.value.code == 143
    said = capsys.readouterr().err
    assert 'Interrupted by SIGTERM; before training began' in said
    assert 'epoch_1' not in said and '--resume' not in said


def test_resume_keeps_load_from_where_there_is_no_checkpoint(
    run_main, tmp_path
):
    weights = tmp_path / 'weights.pth'
    torch.save({}, weights)
    # The command line's load_from counts as the config's.
    option = f'load_from={weights}'
    cfg, said = run_main('--resume', '--cfg-options', option, resume=True)
    assert cfg.load_from == str(weights)
    assert cfg.resume is False
    assert said == [
        f'The run starts from the weights of {weights} (--resume: '
        f'{tmp_path / "w"} holds no checkpoint).',
        'train',
    ]

    latest = tmp_path / 'w' / 'epoch_1.pth'
    latest.parent.mkdir()
    torch.save(dict(meta=dict(epoch=1, iter=1), optimizer={}), latest)
    (tmp_path / 'w/last_checkpoint').write_text(f'{latest}\n')
    cfg, said = run_main('--resume', '--cfg-options', option, resume=True)
    assert cfg.load_from is None
    assert cfg.resume is True
    assert said == [f'The run resumes from {latest}.', 'train']


@pytest.mark.parametrize(
    'options, where', [([], 'load_from'), (['--resume', 'no.pth'], '--resume')]
)
def test_missing_checkpoint_names_where_it_was_given(
    run_main, options, where, capsys
):
    with pytest.raises(SystemExit):
        run_main(*options, load_from='no.pth')
    message = capsys.readouterr().err
    assert message.startswith(f'error: {where}: ') and 'no.pth' in message
    assert run_main.built == []


def test_options_that_the_config_cannot_serve():
    with pytest.raises(ValueError, match='base_batch_size'):
        merged('--auto-scale-lr', auto_scale_lr=None)
    with pytest.raises(ValueError, match='optim_wrapper'):
        merged('--amp', optim_wrapper=None)


@pytest.mark.parametrize('spelling', ['--local_rank', '--local-rank'])
def test_local_rank(monkeypatch, spelling):
    monkeypatch.setattr(train.os, 'environ', {})
    train.parse_args(['c.py', f'{spelling}=3'])
    assert train.os.environ['LOCAL_RANK'] == '3'


@pytest.mark.parametrize('road', ['load_from', 'init_cfg'])
@pytest.mark.parametrize('fits', [True, False])
def test_check_compares_the_weights(run_main, tmp_path, capsys, fits, road):
    model = MODELS.build(tiny_run.mae())
    weights = model.state_dict()
    if not fits:
        weights = {k: v for k, v in weights.items() if 'layers.0' not in k}
    file = str(tmp_path / 'weights.pth')
    torch.save(dict(state_dict=weights), file)
    cfg = dict(custom_hooks=[dict(type='CheckpointFitHook', priority=90)])
    options = [f'load_from={file}']
    if road == 'init_cfg':
        options = [
            'model.backbone.init_cfg.type=Pretrained',
            f'model.backbone.init_cfg.checkpoint={file}',
            'model.backbone.init_cfg.prefix=backbone.',
        ]
    options = ['--check', '--cfg-options', *options]
    with nullcontext() if fits else pytest.raises(SystemExit):
        run_main(*options, **cfg)
    out, err = capsys.readouterr()
    assert ('This run can start' in out) == fits
    assert ('error: The checkpoint does not fit' in err) != fits
    assert not (tmp_path / 'w').exists()
