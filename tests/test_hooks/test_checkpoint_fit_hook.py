# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.models import AverageClsScoreTTA, VisionTransformer
from mmpretrain.registry import DATASETS
from safetensors.torch import save_file
from torch.utils.data import Dataset

from aemim_mm.hooks import CheckpointFitHook

_ARCH = dict(embed_dims=8, num_layers=1, num_heads=2, feedforward_channels=8)


@DATASETS.register_module(force=True)
class NoImages(Dataset):
    """Never read: the run has no epoch."""

    metainfo = dict(classes=('a',))

    def __len__(self):
        return 1


def _detector(arch, checkpoint):
    """RetinaNet over the one map of a tiny ViT."""
    return dict(
        type='RetinaNet',
        data_preprocessor=dict(type='DetDataPreprocessor'),
        neck=None,
        backbone=dict(
            type='mmpretrain.VisionTransformer',
            arch=arch,
            img_size=32,
            patch_size=16,
            out_type='featmap',
            final_norm=False,
            init_cfg=dict(
                type='Pretrained', checkpoint=checkpoint, prefix='backbone.'
            ),
        ),
        bbox_head=dict(
            type='RetinaHead',
            num_classes=1,
            in_channels=8,
            feat_channels=8,
            stacked_convs=1,
            anchor_generator=dict(
                type='AnchorGenerator',
                octave_base_scale=4,
                scales_per_octave=1,
                ratios=[1.0],
                strides=[16],
            ),
        ),
        train_cfg=dict(
            assigner=dict(
                type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4
            ),
            allowed_border=-1,
            pos_weight=-1,
            debug=False,
        ),
    )


@pytest.fixture
def trained(make_runner, tmp_path):
    """A checkpoint of the model with a backbone of width 4, one output."""
    make_runner(work_dir=tmp_path / 'trained').train()
    return str(tmp_path / 'trained' / 'epoch_1.pth')


@pytest.fixture
def train(make_runner, tmp_path, logged):
    """Train under the hook; what the log says about checkpoints."""

    def run(hook=(), model=None, **cfg):
        runner = make_runner(
            work_dir=tmp_path / 'run',
            hooks=[dict(type='CheckpointFitHook', **dict(hook))],
            model=model,
            **cfg,
        )
        logged.clear()
        runner.train()
        return runner, '\n'.join(logged)

    return run


def _edited(path, edit):
    content = torch.load(path, weights_only=False)
    content['state_dict'] = edit(content['state_dict'])
    torch.save(content, path)
    return path


def _pretrained(path, prefix='backbone.', **backbone):
    init_cfg = dict(type='Pretrained', checkpoint=path, prefix=prefix)
    return dict(backbone=dict(backbone, init_cfg=init_cfg))


# init_cfg -------------------------------------------------------------------


def test_pretrained_fits(train, trained):
    _, log = train(model=_pretrained(trained))
    assert f'Checkpoint fits: 4 of 4 keys loaded from {trained}' in log
    assert "Pretrained init_cfg of backbone (prefix='backbone.')" in log


def test_pretrained_of_fine_tuning(train, trained):
    # Average pooling: a new norm after it, none of the encoder's last one.
    runner, log = train(model=_pretrained(trained, final_norm=False))
    assert 'Checkpoint fits: 2 of 4 keys' in log
    assert 'keep their initial values: ln2.weight, ln2.bias' in log
    assert 'in the file but not used: ln1.weight, ln1.bias' in log
    assert runner.iter == 8
    with pytest.raises(ValueError, match=r'missing in the file: ln2\.weight'):
        train(
            hook=dict(allow_missing=()),
            model=_pretrained(trained, final_norm=False),
        )


@pytest.mark.parametrize('prefix', ['encoder.', None])
def test_wrong_prefix(train, trained, prefix):
    with pytest.raises(ValueError) as error:
        train(model=_pretrained(trained, prefix))
    assert '0 of 4 keys of the model would be loaded' in str(error.value)
    assert (
        'missing in the file: fc.weight, fc.bias, ln1.weight, ln1.bias'
        in str(error.value)
    )
    assert 'backbone. (4 keys), head. (2 keys)' in str(error.value)
    assert (
        'a wrong prefix: 4 of 4 keys of the model are in the file below '
        "'backbone.'" in str(error.value)
    )


@pytest.mark.parametrize('wrapper', ['model', None])
def test_a_file_of_another_library(train, tmp_path, wrapper):
    """mmengine itself asserts, or loads nothing and goes on."""
    weights = {
        'patch_embed.proj.weight': torch.ones(1),
        'blocks.0.norm1.weight': torch.ones(1),
    }
    path = tmp_path / 'foreign.pth'
    torch.save({wrapper: weights} if wrapper else weights, path)
    command = f'import_checkpoint.py {path} OUT.pth --from timm'
    if wrapper:
        command += '.*facebookresearch/mae.*--from mae'
    for options in (
        dict(model=_pretrained(str(path), prefix='')),
        dict(load_from=str(path)),
    ):
        with pytest.raises(ValueError, match=f'(?s)It is a file.*{command}'):
            train(**options)


def test_wrong_width(train, trained):
    with pytest.raises(ValueError) as error:
        train(model=_pretrained(trained, width=6))
    assert 'different shapes: fc.weight' in str(error.value)
    assert '[4, 3]' in str(error.value) and '[6, 3]' in str(error.value)
    assert 'a different architecture' in str(error.value)


def test_keys_missing_in_the_file(train, trained):
    def edit(state):
        state.pop('backbone.fc.bias')
        return state

    with pytest.raises(ValueError, match='3 of 4 keys') as error:
        train(model=_pretrained(_edited(trained, edit)))
    assert 'missing in the file: fc.bias\n' in str(error.value)
    # The module may be left out of the check, then mmengine only warns.
    runner, _ = train(hook=dict(skip=('back*',)), model=_pretrained(trained))
    assert runner.iter == 8


def test_a_flat_dict_of_tensors_and_a_safetensors_file(
    train, trained, tmp_path
):
    state = torch.load(trained, weights_only=False)['state_dict']
    flat, safe = tmp_path / 'flat.pth', tmp_path / 'flat.safetensors'
    torch.save(state, flat)
    save_file(state, safe)
    for path in (flat, safe):
        runner, log = train(model=_pretrained(str(path)))
        assert f'Checkpoint fits: 4 of 4 keys loaded from {path}' in log
        assert runner.iter == 8


def test_pretrained_is_not_read_for_a_test(make_runner):
    runner = make_runner(model=_pretrained('/nowhere/file.pth'))
    CheckpointFitHook().before_run(runner)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    with pytest.raises(FileNotFoundError):
        CheckpointFitHook().before_run(runner)


# load_from ------------------------------------------------------------------


def test_load_from_fits(train, trained):
    runner, log = train(load_from=trained)
    assert (
        'Checkpoint fits: 6 of 6 keys loaded from the checkpoint of load_from'
        in log
    )
    assert runner.iter == 8


def test_load_from_warns_of_the_head(train, trained):
    def edit(state):
        state['neck.fc.weight'] = state.pop('head.bias')
        return state

    runner, log = train(load_from=_edited(trained, edit))
    assert 'Checkpoint fits: 5 of 6 keys' in log
    assert 'keep their initial values: head.bias' in log
    assert 'in the file but not used: neck.fc.weight' in log
    assert runner.iter == 8


def test_load_from_needs_the_backbone(train, trained):
    def edit(state):
        return {k.replace('backbone.', ''): v for k, v in state.items()}

    with pytest.raises(ValueError, match='2 of 6 keys') as error:
        train(load_from=_edited(trained, edit))
    assert 'missing in the file: backbone.fc.weight' in str(error.value)
    assert "init_cfg=dict(type='Pretrained'" in str(error.value)


def test_load_from_may_lack_what_is_allowed(train, trained):
    def edit(state):
        return {k: v for k, v in state.items() if k != 'backbone.fc.weight'}

    with pytest.raises(ValueError, match='missing in the file: backbone.fc'):
        train(load_from=_edited(trained, edit))
    hook = dict(allow_missing=('fc.*',))
    train(hook=hook, load_from=_edited(trained, edit))


def test_load_from_another_library(train, tmp_path):
    path = tmp_path / 'file.pth'
    torch.save(dict(model={}, optimizer={}), path)
    with pytest.raises(ValueError, match='is refused') as error:
        train(load_from=str(path))
    assert 'format of another library' in str(error.value)
    assert "'model' is a dict (all keys: model, optimizer)" in str(error.value)
    # The same on the other road, with the name of the file.
    with pytest.raises(ValueError, match=r'file\.pth for the Pret.* refused'):
        train(model=_pretrained(str(path)))


def test_load_from_with_adversarial_adapters_alone(train, trained):
    def edit(state):
        return {f'adv.{key}': value for key, value in state.items()}

    with pytest.raises(ValueError, match='an adversarial-only file'):
        train(load_from=_edited(trained, edit))


def test_load_from_with_another_number_of_outputs(train, trained):
    with pytest.raises(ValueError, match='allow_mismatch') as error:
        train(load_from=trained, model=dict(out=2))
    assert 'different shapes: head.weight' in str(error.value)
    runner, log = train(
        hook=dict(allow_mismatch=('head.*',)),
        load_from=trained,
        model=dict(out=2),
    )
    assert 'Checkpoint fits: 4 of 6 keys' in log
    assert 'differ in shape, not loaded: head.weight' in log
    assert runner.iter == 8


def test_distributed_prefix(train, trained):
    def edit(state):
        return {f'module.{key}': value for key, value in state.items()}

    _, log = train(load_from=_edited(trained, edit))
    assert 'Checkpoint fits: 6 of 6 keys' in log


def test_a_test_needs_every_key(make_runner, trained):
    runner = make_runner(load_from=trained)
    CheckpointFitHook().after_load_checkpoint(
        runner, torch.load(trained, weights_only=False)
    )
    checkpoint = torch.load(trained, weights_only=False)
    del checkpoint['state_dict']['head.bias']
    with pytest.raises(ValueError, match='checkpoint to be tested'):
        CheckpointFitHook().after_load_checkpoint(runner, checkpoint)


def test_a_test_with_augmentation_loads_into_the_inner_model(
    make_runner, trained
):
    runner = make_runner(load_from=trained)
    runner.model = AverageClsScoreTTA(module=runner.model)
    checkpoint = torch.load(trained, weights_only=False)
    CheckpointFitHook().after_load_checkpoint(runner, checkpoint)
    del checkpoint['state_dict']['head.bias']
    with pytest.raises(ValueError, match='5 of 6 keys'):
        CheckpointFitHook().after_load_checkpoint(runner, checkpoint)


# resume ---------------------------------------------------------------------


def test_resume_fits(train, trained):
    runner, log = train(load_from=trained, resume=True)
    assert '6 of 6 keys loaded from the checkpoint to resume from' in log
    assert runner.iter == 8


@pytest.mark.parametrize('more', [True, False])
def test_resume_needs_the_same_keys(train, trained, more):
    def edit(state):
        if more:
            return {**state, 'extra': torch.ones(1)}
        return {k: v for k, v in state.items() if k != 'head.bias'}

    with pytest.raises(ValueError, match='to resume from') as error:
        train(load_from=_edited(trained, edit), resume=True)
    expected = (
        'not in the model: extra' if more else 'missing in the file: head.bias'
    )
    assert expected in str(error.value)


# Load hooks -----------------------------------------------------------------


def test_resized_position_embedding_fits(make_runner, tmp_path):
    small = VisionTransformer(_ARCH, img_size=32, patch_size=16)
    path = str(tmp_path / 'file.pth')
    torch.save(small.state_dict(), path)
    runner = make_runner()
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.model.backbone = VisionTransformer(
        _ARCH,
        img_size=64,
        patch_size=16,
        init_cfg=[dict(type='Pretrained', checkpoint=path)],
    )
    CheckpointFitHook().before_run(runner)
    runner.model.backbone = VisionTransformer(
        dict(_ARCH, num_layers=2),
        img_size=32,
        patch_size=16,
        init_cfg=dict(type='Pretrained', checkpoint=path),
    )
    with pytest.raises(ValueError, match=r'missing in the file: layers\.1'):
        CheckpointFitHook().before_run(runner)


def test_blocks_that_are_left_over(make_runner, tmp_path):
    deep = VisionTransformer(
        dict(_ARCH, num_layers=2), img_size=32, patch_size=16
    )
    path = str(tmp_path / 'file.pth')
    torch.save(deep.state_dict(), path)
    runner = make_runner()
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.model.backbone = VisionTransformer(
        _ARCH,
        img_size=32,
        patch_size=16,
        init_cfg=dict(type='Pretrained', checkpoint=path),
    )
    with pytest.raises(ValueError, match=r'18 of 18 keys .* would') as error:
        CheckpointFitHook().before_run(runner)
    assert 'not in the model: layers.1.ln1.weight' in str(error.value)
    assert 'a different architecture' in str(error.value)
    CheckpointFitHook(allow_unused=('layers.1.*',)).before_run(runner)
    # The same by load_from.
    state = {f'backbone.{k}': v for k, v in deep.state_dict().items()}
    with pytest.raises(ValueError, match=r'model: backbone\.layers\.1\.ln1'):
        CheckpointFitHook().after_load_checkpoint(runner, state)
    CheckpointFitHook(
        allow_unused=('backbone.layers.1.*',)
    ).after_load_checkpoint(runner, state)


# Detection ------------------------------------------------------------------


@pytest.mark.det
def test_a_detection_run(tmp_path):
    """A detector of mmdet, in its scope, over an encoder of mmpretrain."""
    arch = dict(_ARCH, num_layers=2)
    encoder = VisionTransformer(arch, img_size=32, patch_size=16)
    path = str(tmp_path / 'epoch_1.pth')
    state = encoder.state_dict()
    torch.save({f'backbone.{k}': v for k, v in state.items()}, path)
    runner = Runner.from_cfg(
        Config(
            dict(
                default_scope='mmdet',
                work_dir=str(tmp_path / 'work'),
                model=_detector(arch, path),
                train_dataloader=dict(
                    batch_size=1,
                    dataset=dict(type='mmpretrain.NoImages'),
                    sampler=dict(type='DefaultSampler', shuffle=False),
                ),
                train_cfg=dict(by_epoch=True, max_epochs=0),
                optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
                custom_hooks=[dict(type='mmpretrain.CheckpointFitHook')],
            )
        )
    )
    runner.train()
    ours = runner.model.backbone.state_dict()
    assert ours.keys() == state.keys() - {'ln1.weight', 'ln1.bias'}
    for key, value in ours.items():
        assert torch.equal(value, state[key]), key
    (log,) = (tmp_path / 'work').glob('*/*.log')
    assert f'Checkpoint fits: 28 of 28 keys loaded from {path}' in (
        log.read_text()
    )


def test_patterns_are_sequences():
    with pytest.raises(TypeError, match=r"write \('ln2.\*', \)"):
        CheckpointFitHook(allow_missing='ln2.*')
