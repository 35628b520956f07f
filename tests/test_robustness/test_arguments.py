# Copyright (c) aemim_mm contributors. All rights reserved.
import os
import sys

import pytest

from aemim_mm.robustness.arguments import suite_options
from aemim_mm_cli.robustness_arguments import (
    DEFAULT_PARTS,
    PARTS,
    parse_args,
)

FOLDERS = {
    'imagenet': 'imagenet/val',
    'v2': 'imagenetv2-matched-frequency-format-val',
    'a': 'imagenet-a',
    'r': 'imagenet-r',
    'sketch': 'sketch',
    'c': 'imagenet-c',
}
OPTIONS = {
    'imagenet': '--imagenet',
    'v2': '--imagenetv2',
    'a': '--imagenet-a',
    'r': '--imagenet-r',
    'sketch': '--sketch',
    'c': '--imagenet-c',
}


@pytest.fixture(autouse=True)
def _local_rank(monkeypatch):
    """Not set, and what parsing sets is taken back."""
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.delenv('LOCAL_RANK')


def parse(*argv):
    return parse_args([*argv, '--out', 'out'])


def options_of(*argv):
    return suite_options(parse('--timm', 'vit', *argv))


def refusal(capsys, *argv):
    """What is written of arguments that do not go."""
    with pytest.raises(SystemExit) as error:
        parse(*argv)
    assert error.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    'argv, got',
    [
        ([], 'none'),
        (
            ['a.py', 'a.pth', '--timm', 'vit'],
            'CONFIG CHECKPOINT and --timm',
        ),
        (
            ['a.py', 'a.pth', '--compare', 'a.json'],
            'CONFIG CHECKPOINT and --compare',
        ),
        (
            ['--timm', 'vit', '--compare', 'a.json', 'b.json'],
            '--timm and --compare',
        ),
        (
            ['a.py', 'a.pth', '--timm', 'vit', '--compare', 'a.json'],
            'CONFIG CHECKPOINT and --timm and --compare',
        ),
    ],
)
def test_one_model_or_a_comparison(capsys, argv, got):
    message = refusal(capsys, *argv)
    assert 'give one of CONFIG CHECKPOINT, --timm NAME and --comp' in message
    assert message.endswith(f'but got {got}\n')


def test_each_of_the_three():
    args = parse('a.py', 'a.pth')
    assert (args.config, args.checkpoint_of_config) == ('a.py', 'a.pth')
    assert args.timm is args.compare is args.checkpoint is None
    args = parse('--timm', 'vit', '--checkpoint', 'a.pth')
    assert (args.timm, args.checkpoint) == ('vit', 'a.pth')
    assert args.config is args.checkpoint_of_config is None
    args = parse('--compare', 'a.json', 'b.json')
    assert args.compare == ['a.json', 'b.json']
    assert args.out == 'out'


def test_config_without_checkpoint(capsys):
    assert 'a.py needs a CHECKPOINT behind it' in refusal(capsys, 'a.py')
    message = refusal(capsys, 'a.py', '--checkpoint', 'a.pth')
    assert 'a.py needs a CHECKPOINT behind it' in message


@pytest.mark.parametrize(
    'argv', [['a.py', 'a.pth'], ['--compare', 'a.json', 'b.json']]
)
def test_checkpoint_is_for_timm(capsys, argv):
    message = refusal(capsys, *argv, '--checkpoint', 'b.pth')
    assert '--checkpoint is for --timm; write CONFIG CHECKPOINT' in message


def test_out_is_required(capsys):
    with pytest.raises(SystemExit):
        parse_args(['--timm', 'vit'])
    assert 'required: --out' in capsys.readouterr().err


def test_folders_under_the_data_root():
    for root, argv in (('data', ()), ('/d', ('--data-root', '/d'))):
        options = options_of(*argv)
        folders = {name: options.folder(name) for name in FOLDERS}
        assert folders == {k: f'{root}/{v}' for k, v in FOLDERS.items()}


@pytest.mark.parametrize('name', FOLDERS)
def test_each_option_moves_one_folder(name):
    argv = ['--data-root', '/d', OPTIONS[name], '/elsewhere/x']
    options = options_of(*argv)
    expected = {k: f'/d/{v}' for k, v in FOLDERS.items()}
    expected[name] = '/elsewhere/x'
    assert {k: options.folder(k) for k in FOLDERS} == expected


def test_defaults_of_the_suite():
    options = options_of()
    assert options.parts == DEFAULT_PARTS == PARTS[:-1]
    assert PARTS[-1] == 'autoattack'
    assert options.parts == (
        *('imagenet', 'real', 'v2', 'a', 'r', 'sketch', 'c'),
        *('fgsm', 'pgd', 'curve'),
    )
    assert options.class_file is None and options.attack_list == ''
    assert len(options.corruptions) == 15
    assert list(options.severities) == [1, 2, 3, 4, 5]
    assert list(options.epsilons) == [0, 1, 2, 4, 8]
    assert options.seed == 0 and options.all_classes is False


def test_another_label_space_has_a_shorter_suite():
    options = options_of('--classes', 'c.txt')
    assert options.class_file == 'c.txt'
    assert options.parts == ('imagenet', 'c', 'fgsm', 'pgd', 'curve')
    options = options_of('--classes', 'c.txt', '--suite', 'v2', 'pgd')
    assert options.parts == ['v2', 'pgd']
    with pytest.raises(ValueError, match='leave the part real out'):
        options_of('--classes', 'c.txt', '--suite', 'real')


def test_options_reach_the_suite():
    options = options_of(
        *('--suite', 'c', 'fgsm', '--corruptions', 'fog', 'snow'),
        *('--severities', '5', '1', '--epsilons', '0.5', '3'),
        *('--attack-list', 'list.txt', '--seed', '7', '--all-classes'),
    )
    assert options.parts == ['c', 'fgsm']
    assert options.corruptions == ['fog', 'snow']
    assert options.severities == [5, 1]
    assert options.epsilons == [0.5, 3.0]
    assert options.attack_list == 'list.txt'
    assert options.seed == 7 and options.all_classes is True


@pytest.mark.parametrize(
    'option, value',
    [
        ('--suite', 'imagenet-a'),
        ('--corruptions', 'speckle_noise'),
        ('--severities', '6'),
        ('--epsilons', 'two'),
        ('--launcher', 'ssh'),
    ],
)
def test_values_that_are_not_known(capsys, option, value):
    message = refusal(capsys, '--timm', 'vit', option, value)
    assert f'argument {option}' in message and value in message


def test_batch_sizes(capsys):
    args = parse('--timm', 'vit')
    assert (args.batch_size, args.num_workers) == (64, 4)
    args = parse('--timm', 'vit', '--batch-size', '1', '--num-workers', '0')
    assert (args.batch_size, args.num_workers) == (1, 0)
    for option, value, least in (
        ('--batch-size', '0', 1),
        ('--num-workers', '-1', 0),
    ):
        message = refusal(capsys, '--timm', 'vit', option, value)
        assert f'{option} must be at least {least}' in message


def test_other_options():
    args = parse('--timm', 'vit')
    assert not args.native and not args.strict
    assert args.input_size is None and args.cfg_options is None
    args = parse(
        *('a.py', 'a.pth', '--native', '--strict', '--input-size', '32'),
        *('--cfg-options', 'model.head.topk=(1,5)', 'model.neck=None'),
    )
    assert args.native and args.strict and args.input_size == 32
    assert args.cfg_options == {'model.head.topk': (1, 5), 'model.neck': None}


def test_a_list_of_attacked_images_or_all(capsys):
    assert not parse('--timm', 'vit').attack_all
    assert parse('--timm', 'vit', '--attack-all').attack_all
    both = '--attack-list', 'list.txt', '--attack-all'
    message = refusal(capsys, '--timm', 'vit', *both)
    assert '--attack-all: not allowed with argument --attack-list' in message


@pytest.mark.parametrize('option', ['--local-rank', '--local_rank'])
def test_local_rank_of_the_launcher(monkeypatch, option):
    parse('--timm', 'vit', option, '3')
    assert os.environ['LOCAL_RANK'] == '3'
    monkeypatch.setenv('LOCAL_RANK', '5')
    parse('--timm', 'vit', option, '3')
    assert os.environ['LOCAL_RANK'] == '5'


HEADS = [['--knn', 'train'], ['--linear-head', 'head.pth']]


@pytest.mark.parametrize('head', HEADS)
def test_a_frozen_encoder_is_not_attacked_by_default(head):
    parts = options_of(*head).parts
    assert parts == ('imagenet', 'real', 'v2', 'a', 'r', 'sketch', 'c')
    parts = options_of(*head, '--classes', 'c.txt').parts
    assert parts == ('imagenet', 'c')
    assert options_of(*head, '--suite', 'v2').parts == ['v2']


def test_attacks_on_a_frozen_encoder(capsys):
    model = '--timm', 'vit', '--suite', 'v2', 'fgsm', 'autoattack'
    assert parse(*model, '--linear-head', 'head.pth').suite == [*model[3:]]
    message = refusal(capsys, *model, '--knn', 'train')
    assert 'fgsm, autoattack would attack a classifier of near' in message
    assert 'use --linear-head FILE' in message


def test_one_head_and_no_comparison(capsys):
    message = refusal(capsys, '--timm', 'vit', *HEADS[0], *HEADS[1])
    assert '--linear-head: not allowed with argument --knn' in message
    for head in HEADS:
        message = refusal(capsys, '--compare', 'a.json', 'b.json', *head)
        assert 'are for an evaluation, not for --compare' in message


def test_pooling(capsys):
    args = parse('a.py', 'a.pth', *HEADS[0], '--pooling', 'avg')
    assert args.pooling == 'avg'
    assert parse('a.py', 'a.pth', *HEADS[0]).pooling is None
    for argv, message in (
        (['a.py', 'a.pth'], '--pooling avg is for --knn and --linear-head'),
        (['--timm', 'vit', *HEADS[0]], '--cfg-options global_pool=avg'),
    ):
        assert message in refusal(capsys, *argv, '--pooling', 'avg')


def test_autoattack_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pyautoattack', None)
    with pytest.raises(ImportError, match='pip install pyautoattack'):
        options_of('--suite', 'autoattack')
    assert options_of().parts == DEFAULT_PARTS
