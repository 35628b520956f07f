# Copyright (c) aemim_mm contributors. All rights reserved.
"""Categories are found wherever they stand in a JSON."""

import json

import pytest

from aemim_mm.agreement.coco import _category_names

IMAGES = [dict(id=1, file_name='[a].png')]
# Those of key points hold lists themselves.
CATEGORIES = [
    dict(id=1, name='person', keypoints=['nose', 'eye'], skeleton=[[1, 2]]),
    dict(id=2, name='B\u00e4r ]'),
]


@pytest.mark.parametrize('ascii_only', [True, False])
@pytest.mark.parametrize('indent', [None, 2])
@pytest.mark.parametrize(
    'content',
    [
        dict(images=IMAGES, categories=CATEGORIES),
        dict(categories=CATEGORIES, images=IMAGES),
    ],
)
def test_category_names(tmp_path, content, indent, ascii_only):
    path = tmp_path / 'coco.json'
    text = json.dumps(content, indent=indent, ensure_ascii=ascii_only)
    path.write_text(text, encoding='utf-8')
    assert _category_names(str(path)) == ['person', 'B\u00e4r ]']


def test_without_categories(tmp_path):
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps(dict(images=IMAGES)))
    with pytest.raises(ValueError, match='no list of categories'):
        _category_names(str(path))
