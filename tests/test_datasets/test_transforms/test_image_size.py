# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
from mmpretrain.registry import TRANSFORMS


def test_passes_on_or_stops():
    check = TRANSFORMS.build(dict(type='RequireImageSize', size=8))
    results = dict(img=np.zeros((8, 8, 3)), img_path='1.jpg')
    assert check(results) is results
    results['img'] = np.zeros((9, 8, 3))
    with pytest.raises(ValueError, match='1.jpg has 8 x 9 pixels, but 8 x 8'):
        check(results)
