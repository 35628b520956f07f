# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from mmengine.config import Config

from benchmarks.pipeline import pipeline_of


def test_without_a_pipeline(tmp_path):
    (tmp_path / 'a.py').write_text('model = dict(backbone=dict())')
    cfg = Config.fromfile(tmp_path / 'a.py')
    with pytest.raises(ValueError, match='a.py has no train_dataloader'):
        pipeline_of(cfg)
