# Copyright (c) aemim_mm contributors. All rights reserved.
from copy import deepcopy

import pytest
import tiny_run
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS

tool = tiny_run.load_tool('test')


def merged(*options, **cfg):
    cfg = Config({**tiny_run.classify_cfg('data'), **cfg})
    return tool.merge_args(
        cfg, tool.parse_args(['c/x.py', 'model.pth', *options])
    )


def test_defaults():
    cfg = merged(resume=True)
    assert cfg.load_from == 'model.pth'
    assert cfg.resume is False
    assert cfg.work_dir == './work_dirs/x'
    assert cfg.test_dataloader.pin_memory is True
    assert cfg.test_dataloader.collate_fn == dict(type='default_collate')
    assert cfg.model.type == 'ImageClassifier'


def test_options():
    cfg = merged(
        '--amp',
        '--no-pin-memory',
        '--show-dir',
        'pictures',
        '--interval',
        '5',
        '--cfg-options',
        'test_dataloader.batch_size=3',
        test_cfg=dict(),
        default_hooks=dict(visualization=dict(type='VisualizationHook')),
    )
    assert cfg.test_cfg.fp16 is True
    assert cfg.test_dataloader.pin_memory is False
    assert cfg.test_dataloader.batch_size == 3
    assert cfg.default_hooks.visualization == dict(
        type='VisualizationHook',
        enable=True,
        show=False,
        wait_time=2,
        out_dir='pictures',
        interval=5,
    )


def test_default_tta_averages_over_the_flip():
    cfg = merged('--tta')
    assert cfg.model.type == 'mmpretrain.AverageClsScoreTTA'
    assert cfg.model.module.type == 'ImageClassifier'
    last = cfg.test_dataloader.dataset.pipeline[-1]
    assert last.type == 'TestTimeAug'
    assert [t.prob for t in last.transforms[0]] == [1.0, 0.0]
    assert last.transforms[1] == [dict(type='PackInputs')]
    assert cfg.test_dataloader.dataset.pipeline[-2].type == 'CenterCrop'


def test_options_reach_the_model_that_tta_wraps():
    options = '--cfg-options', 'model.head.num_classes=3'
    cfg = merged('--tta', *options)
    assert cfg.model.module.head.num_classes == 3 and 'head' not in cfg.model


@pytest.mark.parametrize(
    'out', [('a.json', '--out-item', 'metrics'), ('a.pkl',)]
)
def test_run_with_tta(tmp_path, monkeypatch, capsys, out):
    data = tiny_run.write_images(tmp_path / 'data', num=4)
    cfg = tiny_run.classify_cfg(data)
    cfg['custom_hooks'] = [dict(type='CheckpointFitHook')]
    model = MODELS.build(deepcopy(cfg['model']))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'model.pth')
    path = tiny_run.write_config(tmp_path / 'tiny.py', cfg)
    arguments = [path, tmp_path / 'model.pth', '--tta', '--out', *out]
    tiny_run.call_tool(monkeypatch, 'test', *arguments, cwd=tmp_path)
    output = capsys.readouterr().out
    keys = len(model.state_dict())
    assert f'Checkpoint fits: {keys} of {keys} keys' in output
    assert 'accuracy/top1: ' in output
    written = tool.mmengine.load(tmp_path / out[0])
    if 'metrics' in out:
        assert written.keys() == {'accuracy/top1'}
    else:
        assert [len(sample['pred_score']) for sample in written] == [2] * 4


def test_what_the_config_cannot_serve():
    with pytest.raises(ValueError, match='no test_evaluator'):
        merged(test_evaluator=None)
    with pytest.raises(ValueError, match='VisualizationHook'):
        merged('--show')
    with pytest.raises(ValueError, match="'mmdet' has none of: set tta_model"):
        merged('--tta', default_scope='mmdet')


def test_drawing_of_detections(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hook = dict(_scope_='mmdet', type='DetVisualizationHook')
    cfg = merged(
        '--show-dir',
        'pictures',
        default_scope='mmdet',
        default_hooks=dict(visualization=hook),
    )
    assert cfg.default_hooks.visualization == dict(
        **hook,
        draw=True,
        show=False,
        wait_time=2,
        test_out_dir=str(tmp_path / 'pictures'),
        interval=1,
    )
