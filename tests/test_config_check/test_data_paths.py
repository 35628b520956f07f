# Copyright (c) aemim_mm contributors. All rights reserved.
import argparse
import re

import pytest
from mmengine.config import Config
from mmpretrain.datasets import ImageNet
from mmpretrain.registry import DATASETS

from aemim_mm.config_check import check_data_paths
from aemim_mm.utils import CfgOptions


def check(dataset, phase='train', phases=('train',)):
    cfg = dict(default_scope='mmpretrain')
    cfg[f'{phase}_dataloader'] = dict(dataset=dataset)
    check_data_paths(Config(cfg), phases)


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images/COCO_0001.jpg').touch()
    (tmp_path / 'train.txt').touch()
    return str(tmp_path)


def test_what_is_there_passes(root):
    check(
        dict(
            type='CustomDataset',
            data_root=root,
            data_prefix='images',
            ann_file='train.txt',
        )
    )
    check(
        dict(
            type='CustomDataset',
            data_prefix=dict(img_path=f'{root}/images', other=''),
            ann_file=f'{root}/train.txt',
        )
    )
    # The start of file names is a prefix as well.
    check(dict(data_root=root, data_prefix='images/COCO_'))


@pytest.mark.parametrize(
    'changes, key, path',
    [
        (dict(data_root='/no/such'), 'data_root', '/no/such'),
        (dict(data_prefix='imgs'), 'data_prefix', '{root}/imgs'),
        (
            dict(data_prefix=dict(img_path='imgs')),
            'data_prefix.img_path',
            '{root}/imgs',
        ),
        (dict(ann_file='val.txt'), 'ann_file', '{root}/val.txt'),
        (dict(ann_file=['train.txt', 'b']), 'ann_file', '{root}/b'),
        (dict(data_prefix='/no/abs'), 'data_prefix', '/no/abs'),
    ],
)
def test_what_is_missing(root, changes, key, path):
    dataset = dict(type='CustomDataset', data_root=root)
    with pytest.raises(FileNotFoundError) as error:
        check({**dataset, **changes})
    key = f'train_dataloader.dataset.{key}'
    message = str(error.value)
    assert message.startswith(f'{key}: "{path.format(root=root)}" does not')
    assert 'of CustomDataset' in message
    assert f'--cfg-options {key}=PATH' in message


@pytest.mark.parametrize(
    'changes, optional',
    [
        (dict(type='ImageNet'), True),
        (dict(type='mmpretrain.ImageNet'), True),
        (dict(type='CustomDataset'), True),
        (dict(type=ImageNet), True),
        # Several lists: there is no such option.
        (dict(type='CustomDataset', ann_file=['train.txt', 'b']), False),
        # Reads nothing but its list.
        (dict(type='MultiLabelDataset'), False),
        (dict(type='NoSuchDataset'), False),
        (dict(), False),
        # The folder is not there either.
        (dict(type='ImageNet', data_prefix='pictures'), False),
    ],
)
def test_a_list_that_is_optional(root, changes, optional):
    dataset = dict(data_root=root, ann_file='meta/train.txt')
    with pytest.raises(FileNotFoundError) as error:
        check({**dataset, **changes})
    way_out = (
        '=PATH, or --cfg-options train_dataloader.dataset.ann_file= for '
        'every image of the folder.'
    )
    assert str(error.value).endswith(way_out if optional else '=PATH.')


def test_the_way_out_without_a_list(root):
    dataset = dict(type='CustomDataset', data_root=root, with_label=False)
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            train_dataloader=dict(
                dataset=dict(ann_file='meta/train.txt', **dataset)
            ),
        )
    )
    with pytest.raises(FileNotFoundError) as error:
        check_data_paths(cfg, ('train',))
    option = re.search(r'--cfg-options (\S+=) ', str(error.value))[1]
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=CfgOptions)
    cfg.merge_from_dict(
        parser.parse_args(['--cfg-options', option]).cfg_options
    )
    check_data_paths(cfg, ('train',))
    (sample,) = DATASETS.build(cfg.train_dataloader.dataset)
    assert sample['img_path'] == f'{root}/images/COCO_0001.jpg'


def test_data_sets_within_wrappers():
    inner = dict(type='CustomDataset', data_root='/no/such')
    repeated = dict(type='RepeatDataset', times=2, dataset=inner)
    joined = dict(type='ConcatDataset', datasets=[repeated])
    place = r'train_dataloader.dataset.datasets.0.dataset.data_root'
    with pytest.raises(FileNotFoundError, match=place):
        check(joined)


def test_only_the_phases_of_the_run():
    dataset = dict(type='CustomDataset', data_root='/no/such')
    check(dataset, phase='test', phases=('train', 'val'))
    with pytest.raises(FileNotFoundError, match='^test_dataloader'):
        check(dataset, phase='test', phases=('test',))


@pytest.mark.parametrize(
    'name', ['MNIST', 'FashionMNIST', 'CIFAR10', 'CIFAR100']
)
def test_data_sets_that_download_themselves(name):
    check(dict(type=name, data_root='/no/such'))
    with pytest.raises(FileNotFoundError, match=f'root folder of {name}'):
        check(dict(type=name, data_root='/no/such', download=False))


@pytest.mark.parametrize(
    'dataset',
    [
        dict(data_root='s3://bucket/imagenet'),
        dict(data_root='cluster:s3://bucket'),
        dict(data_root='/no', backend_args=dict(backend='petrel')),
    ],
)
def test_remote_storage_is_not_looked_at(dataset):
    check(dict(type='CustomDataset', **dataset))
