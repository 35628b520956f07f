# Copyright (c) aemim_mm contributors. All rights reserved.
import subprocess
import sys

from mmpretrain.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS


def test_everything_is_registered():
    for name in (
        'AEMIMAlgorithm', 'FeatureDistancePGD', 'AdapterBank', 'DualNormViT',
        'MAEPretrainDecoderNoCls', 'ViTPyramid',
    ):  # fmt: skip
        assert MODELS.get(name).__name__ == name
    for name in (
        'AtomicCheckpointHook', 'CheckpointFitHook', 'EpochSeedHook',
        'NonFiniteLossHook', 'RecipeInfoHook', 'ReconstructionHook',
    ):  # fmt: skip
        assert HOOKS.get(name).__name__ == name
    for name in ('LoadImageOrSkip', 'RequireImageSize'):
        assert TRANSFORMS.get(name).__name__ == name
    assert DATASETS.get('ImageNetVariant').__name__ == 'ImageNetVariant'
    for name in ('SubsetAccuracy', 'RealAccuracy', 'CorruptionError'):
        assert METRICS.get(name).__name__ == name


def test_without_openmmlab_the_import_says_what_to_install():
    code = "import sys; sys.modules['mmpretrain'] = None; import aemim_mm"
    result = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "pip install 'aemim_mm[onedl]'" in result.stderr
