# Copyright (c) aemim_mm contributors. All rights reserved.
import ast
import os
import subprocess
import sys
from pathlib import Path

from mmpretrain.registry import DATASETS, HOOKS, MODELS, TRANSFORMS

ROOT = Path(__file__).parents[1]


def test_everything_is_registered():
    for name in (
        'AEMIMAlgorithm', 'FeatureDistancePGD', 'AdapterBank', 'DualNormViT',
        'MAEPretrainDecoderNoCls', 'ViTPyramid',
    ):  # fmt: skip
        assert MODELS.get(name).__name__ == name
    for name in (
        'AtomicCheckpointHook', 'CheckpointFitHook', 'EpochSeedHook',
        'InterruptHook', 'NewScheduleHook', 'NonFiniteLossHook',
        'OnlineEvalHook', 'RecipeInfoHook', 'ReconstructionHook',
        'RunOriginHook',
    ):  # fmt: skip
        assert HOOKS.get(name).__name__ == name
    for name in ('FitToEncoder', 'LoadImageOrSkip', 'RequireImageSize'):
        assert TRANSFORMS.get(name).__name__ == name
    for name in ('ImageFiles', 'ImageNetVariant'):
        assert DATASETS.get(name).__name__ == name
    assert DATASETS.get('TimmDataset') is not None


ROOMS = (
    'algorithms', 'checkpoints', 'config_check', 'datasets', 'demo',
    'evaluation', 'export', 'features', 'hooks', 'importing', 'interception',
    'launcher', 'models', 'optimizers', 'robustness',
)  # fmt: skip


def test_without_openmmlab_a_room_says_what_to_install():
    code = f"""
import importlib, sys
sys.modules.update(dict.fromkeys(('mmengine', 'mmcv', 'mmpretrain')))
import aemim_mm, aemim_mm.attacks, aemim_mm.core
for room in {ROOMS}:
    try:
        importlib.import_module(f'aemim_mm.{{room}}')
    except ImportError as error:
        assert 'pip install onedl-mmengine onedl-mmcv' in str(error), error
        assert str(error).startswith(f'aemim_mm.{{room}} needs'), error
    else:
        raise AssertionError(room)
"""
    subprocess.run([sys.executable, '-c', code], check=True)


def test_a_package_that_is_there_but_fails_says_so_itself(tmp_path):
    (tmp_path / 'mmpretrain').mkdir()
    (tmp_path / 'mmpretrain' / '__init__.py').write_text('import libgone')
    result = subprocess.run(
        [sys.executable, '-c', 'import aemim_mm'],
        env={**os.environ, 'PYTHONPATH': f'{tmp_path}:{ROOT}'},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1 and "'libgone'" in result.stderr


def test_with_openmmlab_but_without_a_companion_it_says_so():
    code = """
import sys, warnings
sys.modules['timm'] = None
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    import aemim_mm, aemim_mm.core
(text,) = {str(w.message) for w in caught if 'aemim_mm' in str(w.message)}
assert text.startswith('aemim_mm registers nothing: '), text
assert 'but timm is not installed' in text, text
assert 'pip install torchvision timm safetensors tqdm`' in text, text
"""
    subprocess.run([sys.executable, '-c', code], check=True)


def test_arrows_between_rooms_only_point_down():
    """There is an order of rooms in which each imports later ones alone."""
    package = ROOT / 'aemim_mm'
    imports = {p.name: set() for p in package.iterdir() if p.is_dir()}
    for path in package.glob('*/**/*.py'):
        room, *folders = path.relative_to(package).parts[:-1]
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom):
                continue
            names = (node.module or '').split('.')
            if node.level == len(folders) + 2:
                imports[room].add(names[0])
            elif names[0] == 'aemim_mm' and names[1:]:
                imports[room].add(names[1])
    imports = {room: below - {room} for room, below in imports.items()}
    assert imports['core'] == set()
    assert imports['attacks'] == {'core'}
    while imports:
        lowest = {r for r, below in imports.items() if not below & {*imports}}
        assert lowest, f'a circle among {sorted(imports)}'
        for room in lowest:
            del imports[room]
