# Copyright (c) aemim_mm contributors. All rights reserved.
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiny_run
from mmengine.config import Config

from aemim_mm.config_check import (
    check_config,
    check_constructor_keys,
    check_names,
)

STOCK = Path(find_spec('mmpretrain').origin).parent / '.mim/configs'


@pytest.mark.parametrize(
    'name',
    [
        'mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py',
        'mae/benchmarks/vit-base-p16_8xb128-coslr-100e_in1k.py',
        'simmim/simmim_swin-base-w6_16xb128-amp-coslr-800e_in1k-192px.py',
        'beit/beit_beit-base-p16_8xb256-amp-coslr-300e_in1k.py',
        'cae/cae_beit-base-p16_8xb256-amp-coslr-300e_in1k.py',
        'spark/spark_sparse-resnet50_8xb512-amp-coslr-800e_in1k.py',
        'mixmim/mixmim_mixmim-base_16xb128-coslr-300e_in1k.py',
        'resnest/resnest50_32xb64_in1k.py',
        'vision_transformer/vit-base-p16_8xb64-lora_in1k-384px.py',
        'lenet/lenet5_mnist.py',
        'repvgg/repvgg-A0_8xb32_in1k.py',
        'blip/blip-base_8xb32_caption.py',
    ],
)
def test_no_false_alarm_on_stock_configs(name):
    cfg = Config.fromfile(STOCK / name)
    before = cfg.to_dict()
    check_names(cfg)
    check_constructor_keys(cfg)
    assert cfg.to_dict() == before


def test_all_parts_are_checked(tmp_path):
    data = tiny_run.write_images(tmp_path / 'data', num=2)
    cfg = tiny_run.pretrain_cfg(data, tiny_run.mae())
    path = tmp_path / 'tiny.py'

    def load(**options):
        tiny_run.write_config(path, cfg)
        loaded = Config.fromfile(path)
        loaded.merge_from_dict(options)
        return loaded

    check_config(load())
    with pytest.raises(ValueError, match='optim_wraper'):
        check_config(load(optim_wraper=dict(a=1)))
    with pytest.raises(TypeError, match='mask_ratoi'):
        check_config(load(**{'model.backbone.mask_ratoi': 0.5}))
    missing = load(**{'train_dataloader.dataset.data_root': '/no/such'})
    with pytest.raises(FileNotFoundError, match='/no/such'):
        check_config(missing)
    check_config(missing, phases=('test',))
