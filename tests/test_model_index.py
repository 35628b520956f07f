# Copyright (c) aemim_mm contributors. All rights reserved.
"""Other libraries find the recipes."""

import re

import mmpretrain
import yaml
from mmengine.config import Config
from mmpretrain.registry import MODELS

from aemim_mm.registry import REGISTRIES
from aemim_mm_cli.places import CONFIGS, HOME

RECIPE = 'aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist'
INDEX = yaml.safe_load((CONFIGS / 'pretrain' / 'metafile.yml').read_text())


def test_every_recipe_of_aemim_is_in_it():
    files = (CONFIGS / 'pretrain').glob('*aemim*.py')
    expected = {str(path.relative_to(HOME)) for path in files}
    assert {model['Config'] for model in INDEX['Models']} == expected
    for model in INDEX['Models']:
        assert model['Config'].endswith(f'/{model["Name"]}.py')
        # There are none, and no result is ours.
        assert 'Weights' not in model and model['Results'] is None


def test_numbers_are_those_of_the_paper_and_say_so():
    readme = (HOME / 'README.md').read_text()
    row = r'\| `(\S*aemim_\S+)\.py` \| ([\d.]+) \| ([\d.]+x) \|'
    published = {n: (float(a), b) for n, a, b in re.findall(row, readme)}
    found = {}
    for model in INDEX['Models']:
        numbers = {
            key: value
            for key, value in model['Metadata'].items()
            if key not in ('Epochs', 'Batch Size', 'Training Data')
        }
        assert all(key.startswith("Paper's ") for key in numbers)
        if numbers:
            found[model['Name']] = tuple(numbers.values())
    assert found == published and len(found) == 6


def test_mmpretrain_lists_and_builds_them():
    names = mmpretrain.list_models('*aemim*')
    assert names == sorted(model['Name'] for model in INDEX['Models'])
    model = mmpretrain.get_model(RECIPE, pretrained=False)
    assert model.attack.epsilon == 2


def test_a_base_by_package_is_built_in_the_scope(tmp_path, capsys):
    own = tmp_path / 'own.py'
    own.write_text(f"_base_ = 'aemim_mm::pretrain/{RECIPE}.py'\n")
    cfg = Config.fromfile(own)
    assert cfg.model['_scope_'] == 'aemim_mm'
    cfg.model.data_preprocessor = cfg.data_preprocessor
    model = MODELS.build(cfg.model)
    assert type(model).__name__.startswith('AEMIMAlgorithm')
    # mmengine would say here that it does not know the scope.
    assert capsys.readouterr() == ('', '')
    assert len(REGISTRIES) > 20
