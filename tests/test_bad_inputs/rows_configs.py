# Copyright (c) aemim_mm contributors. All rights reserved.
"""Configs: files, kinds of values, misspelt keys, contradictions."""

from pathlib import Path

import tiny_run
import torch
from test_bad_inputs.table import (
    Row,
    checkpoint,
    pretraining,
    weights,
    write_config,
)

PIPELINE = 'train_dataloader.dataset.pipeline'
DICT, LIST = 'must be a dict', 'must be a list of dicts'
# Options of pre-training by MAE, and what is said of each.
OPTIONS = {
    'model=MAE': ("model='MAE'", DICT),
    'model=None': ('tiny.py has no model',),
    'model.backbone=MAEViT': ("model.backbone='MAEViT'", DICT),
    'model.backbone=3': ('model.backbone=3', DICT),
    'model.backbone.arch=3': ('AssertionError: Custom arch needs a dict',),
    'model.backbone.arch.num_layer=3': (
        'model.backbone.arch: MAEViT takes no key "num_layer"',
        '"num_layers"',
    ),
    'train_dataloader=None': ('train_dataloader=None', 'either all None'),
    'train_dataloader=[1]': ('train_dataloader=[1]', DICT),
    'train_dataloader.dataset=/photos': (
        "train_dataloader.dataset='/photos'",
        DICT,
    ),
    'train_dataloader.sampler=DefaultSampler': (
        "train_dataloader.sampler='DefaultSampler'",
        DICT,
    ),
    'train_dataloader.dataset.data_root=3': (
        'train_dataloader.dataset.data_root=3 must be a path',
    ),
    f"{PIPELINE}=dict(type='PackInputs')": (
        f'--cfg-options {PIPELINE}=',
        'does not fit into the config',
    ),
    f'{PIPELINE}=PackInputs': (f"{PIPELINE}='PackInputs'", LIST),
    f'{PIPELINE}=[PackInputs]': (f"{PIPELINE}.0='PackInputs'", DICT),
    f'{PIPELINE}=[dict(prob=1)]': (f'{PIPELINE}.0 has no type',),
    f'{PIPELINE}.9.prob=1': ('Index 9 exceeds the length of list',),
    f"{PIPELINE}=[dict(type='PackInputs')]": (
        'ValueError: not enough values to unpack',
        '--traceback shows the way there',
    ),
    'optim_wrapper=None': ('optim_wrapper=None', 'either all None'),
    'optim_wrapper.optimizer=AdamW': ("optim_wrapper.optimizer='AdamW'", DICT),
    'optim_wrapper.clip_grad=3': ('optim_wrapper.clip_grad=3', DICT),
    'param_scheduler=cosine': ('`param_scheduler`', "<class 'str'>"),
    'train_cfg=[1,2]': ('train_cfg=[1, 2]', DICT),
    'train_cfg.max_epochs.value=3': ('max_epochs', '_delete_=True'),
    'default_hooks=[1]': ('default_hooks=[1]', DICT),
    'custom_hooks=[EpochSeedHook]': ("custom_hooks.0='EpochSeedHook'", DICT),
    "custom_hooks=dict(type='EMAHook')": ('--cfg-options custom_hooks=',),
    'randomness=3': ('randomness=3', DICT),
    'env_cfg=fast': ("env_cfg='fast'", DICT),
    'visualizer=tensorboard': ("visualizer='tensorboard'", DICT),
    'auto_scale_lr=yes': ("auto_scale_lr='yes'", DICT),
    'log_level=LOUD': ("KeyError: 'LOUD'", 'logger.py'),
    'default_scope=nowhere': ('is in no registry of "nowhere"',),
    'load_from=3': ('load_from=3 must be a path',),
    'load_from=[a,b]': ("load_from=['a', 'b'] must be a path",),
    'work_dir=3': ('work_dir=3 must be a path',),
    'optim_wrapper.optimizer.lr=': (
        "optim_wrapper.optimizer.lr='' must be a number",
    ),
    'train_dataloader.batch_size=four': (
        "train_dataloader.batch_size='four' must be a whole number",
    ),
    'model.data_preprocessor.mean=[1,2]': ('`mean` should have 1 or 3',),
    'model.data_preprocessor.std=None': ('mean and std should be both None',),
    # A key that is misspelt, from the outermost level to the innermost.
    'modle.type=MAE': ('"modle"', 'Did you mean "model"?'),
    'model.backbon.img_size=32': ('model: MAE', '"backbon"', '"backbone"'),
    'model.backbone.mask_ration=0.5': ('model.backbone', '"mask_ratio"'),
    'train_dataloder.batch_size=2': ('"train_dataloder"', '"train_dataloader'),
    'train_dataloader.dataset.pipline=[]': ('"pipline"', '"pipeline"'),
    f'{PIPELINE}.1.scal=32': (f'{PIPELINE}.1', '"scal"', '"scale"'),
    'optim_wrapper.optimiser.lr=1': ('optim_wrapper', '"optimizer"'),
    'default_hooks.checkpont.interval=1': ('"checkpont"', '"checkpoint"'),
    'train_cfg.max_epoch=3': ('train_cfg', '"max_epoch"', '"max_epochs"'),
    'randomness.sead=3': ('randomness', '"sead"', '"seed"'),
}
# The same of AEMIM.
AEMIM = {
    'model.attack=PGD': ("'PGD'", "dict(type='FeatureDistancePGD')"),
    'model.attack.type=FeaturePGD': ('model.attack', '"FeatureDistancePGD"'),
    'model.attack.epsilom=2': ('model.attack', '"epsilom"', '"epsilon"'),
    'model.adv_ration=1': ('"adv_ration"', '"adv_ratio"'),
    'model.adapters=[norms]': ("unknown adapter 'norms'", 'cls_token'),
    'model.adapters=norm': ("('norm', 'cls_token')", "'norm'"),
    'model.method=MAEE': ('model.method: "MAEE"', '"MAE"'),
    'model.method=3': ('unknown method 3',),
    "model.sequential_backward='no'": ("'no'", 'True or False'),
}


def option(text, model=None):
    """Pre-train with one option."""

    def make(folder):
        changes = {} if model is None else dict(model=model())
        config = pretraining(folder, changes)
        return [config, '--work-dir', 'out', '--cfg-options', text]

    return make


def file(name, content):
    """A config file of this content."""

    def make(folder):
        Path(name).write_bytes(content)
        return [name, '--work-dir', 'out']

    return make


def folder_as_config(folder):
    Path('c.py').mkdir()
    return ['c.py']


def its_own_base(folder):
    Path('c.py').write_text("_base_ = 'c.py'")
    return ['c.py']


def without_class_token(folder):
    """Adapters for a class token that the encoder lacks."""
    model = tiny_run.aemim()
    model['adapters'] = ('norm', 'cls_token')
    model['backbone'] = dict(
        type='SimMIMSwinTransformer',
        arch=dict(embed_dims=8, depths=[1] * 4, num_heads=[1, 2, 4, 8]),
        img_size=64,
        stage_cfgs=dict(block_cfgs=dict(window_size=2)),
    )
    model.update(
        method='SimMIM',
        neck=dict(
            type='SimMIMLinearDecoder', in_channels=64, encoder_stride=32
        ),
        head=dict(
            type='SimMIMHead',
            patch_size=4,
            loss=dict(
                type='PixelReconstructionLoss', criterion='L1', channel=3
            ),
        ),
    )
    changes = {
        'model': dict(model, _delete_=True),
        f'{PIPELINE}.1.scale': 64,
    }
    return [pretraining(folder, changes), '--work-dir', 'out']


def averaged(folder):
    """Go on with a run, but average weights from now on."""
    config = Path(pretraining(folder, {'train_cfg.max_epochs': 2}))
    with config.open('a') as text:
        text.write("custom_hooks.append(dict(type='EMAHook'))\n")
    torch.save(checkpoint(), 'a.pth')
    return [config, '--work-dir', 'out', '--resume', 'a.pth']


def bare(folder):
    """Go on with a run of which mmengine's log is lost."""
    content = checkpoint()
    del content['message_hub']
    torch.save(content, 'a.pth')
    config = pretraining(folder, {'train_cfg.max_epochs': 2})
    return [config, '--work-dir', 'out', '--resume', 'a.pth']


def overwritten(folder):
    """Start anew over the checkpoints of a run, from weights of no use."""
    torch.save(checkpoint(state=weights(width=96)), 'wide.pth')
    (folder / 'out').mkdir()
    torch.save(checkpoint(), 'out/epoch_1.pth')
    config = pretraining(folder, dict(load_from='wide.pth'))
    return [config, '--work-dir', 'out', '--overwrite']


def overwritten_with_a_hook_that_refuses(folder):
    """Start anew over the checkpoints of a run, which is refused last."""
    (folder / 'out').mkdir()
    torch.save(checkpoint(), 'out/epoch_1.pth')
    hook = dict(type='OnlineEvalHook', data_root='no/images')
    config = pretraining(folder, dict(custom_hooks=[hook]))
    return [config, '--work-dir', 'out', '--overwrite']


def recipe_without_hooks(folder):
    return [write_config(folder / 'c.py', dict(model=3, train_cfg=None))]


FILES = {
    'no Python': (file('c.py', b'model = dict('), ('c.py', 'SyntaxError')),
    'bytes': (file('c.py', bytes(range(256))), ('c.py', 'UnicodeDecode')),
    'an empty config': (file('c.py', b''), ('c.py has no model',)),
    'a text': (file('c.txt', b'model = 3'), ('c.txt', 'Only py/yml')),
    'a list': (file('c.json', b'[1, 2]'), ('c.json cannot be read',)),
    'damaged JSON': (file('c.json', b'{"a": '), ('c.json', 'JSONDecodeError')),
    'damaged YAML': (file('c.yaml', b'a: [1'), ('c.yaml', 'ParserError')),
    'no such base': (file('c.py', b"_base_ = './no.py'"), ('no.py',)),
    'no such package': (
        file('c.py', b"_base_ = 'nopackage::x.py'"),
        ('c.py cannot be read',),
    ),
    'no such module': (
        file('c.py', b"custom_imports = dict(imports=['no_module'])"),
        ('no_module',),
    ),
    'an error of its own': (
        file('c.py', b"raise SystemError('stop')"),
        ('c.py', 'SystemError: stop'),
    ),
    'a folder': (folder_as_config, ('c.py',)),
    'its own base': (its_own_base, ('c.py', 'RecursionError')),
    'no such file': (lambda folder: ['no.py'], ('no.py',)),
    'a model that is a number': (recipe_without_hooks, ('model=3', DICT)),
    'no class token for adapters': (
        without_class_token,
        ("adapters contains 'cls_token'",),
    ),
    'a checkpoint without a log': (bare, ("KeyError: 'message_hub'",)),
    'a hook that refuses, over a run': (
        overwritten_with_a_hook_that_refuses,
        ('OnlineEvalHook needs a pipeline',),
    ),
    'weights that do not fit, over a run': (
        overwritten,
        ('wide.pth', 'does not fit'),
    ),
}
SLOW = ('its own base',)
ROWS = [Row(text, 'train', option(text), s) for text, s in OPTIONS.items()]
ROWS += [
    Row(f'AEMIM: {text}', 'train', option(text, tiny_run.aemim), says)
    for text, says in AEMIM.items()
]
ROWS += [
    Row(f'config: {name}', 'train', make, says, slow=name in SLOW)
    for name, (make, says) in FILES.items()
]
ROWS += [
    Row(
        'averages that are not in the checkpoint',
        'train',
        averaged,
    )
]
