# Copyright (c) aemim_mm contributors. All rights reserved.
"""An ablation changes one key of its base: Table 8, Figure 4, the step."""

import re

import pytest
from mmpretrain.registry import MODELS
from test_configs.config_tools import (
    ABLATIONS,
    ROOT,
    build_full_size,
    differences,
    header,
    load,
)

# Tag: (its place in the paper, the accuracy there, the keys that differ). A
# tuple counts as one key, whatever its length.
NO_ROW = 'no such row'
EXPECTED = {
    'eps1': ('Table 8(a)', 81.3, {'attack.epsilon': (2, 1)}),
    'eps4': ('Table 8(a)', 81.2, {'attack.epsilon': (2, 4)}),
    'steps1': ('Table 8(b)', 81.2, {'attack.num_steps': (2, 1)}),
    'steps3': ('Table 8(b)', 81.4, {'attack.num_steps': (2, 3)}),
    'no-adapters': ('Table 8(c)', 81.2, {'adapters.0': ('norm', None)}),
    'cls-token': ('Table 8(c)', 81.4, {'adapters.0': ('norm', 'cls_token')}),
    'reconstruction': (
        'Table 8(d)',
        81.1,
        {'attack.distance': (None, 'reconstruction')},
    ),
    'kl': ('Table 8(d)', 81.3, {'attack.distance': (None, 'kl')}),
    'lambda01': ('Figure 4', None, {'loss_ratio': (0.5, 0.1)}),
    'lambda02': ('Figure 4', None, {'loss_ratio': (0.5, 0.2)}),
    'lambda03': ('Figure 4', None, {'loss_ratio': (0.5, 0.3)}),
    'lambda04': ('Figure 4', None, {'loss_ratio': (0.5, 0.4)}),
    'lambda06': ('Figure 4', None, {'loss_ratio': (0.5, 0.6)}),
    'lambda07': ('Figure 4', None, {'loss_ratio': (0.5, 0.7)}),
    'lambda08': ('Figure 4', None, {'loss_ratio': (0.5, 0.8)}),
    'lambda09': ('Figure 4', None, {'loss_ratio': (0.5, 0.9)}),
    'mu2': (NO_ROW, None, {'attack.step_size': (None, 2)}),
    'noise': (
        NO_ROW,
        None,
        {'attack.type': ('FeatureDistancePGD', 'RandomNoise')},
    ),
}
FAST = {'mu4': (NO_ROW, None, {'attack.step_size': (None, 4)})}
ALL = EXPECTED | FAST
BASES = {
    'in1k': 'aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py',
    'fashion-mnist': 'aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py',
}
BASES_OF_FAST = {f'fast-{key}': f'fast-{name}' for key, name in BASES.items()}
ALL_BASES = BASES | BASES_OF_FAST
CASES = [
    *((base, tag) for base in BASES for tag in EXPECTED),
    *((base, tag) for base in BASES_OF_FAST for tag in FAST),
]


def path_of(base, tag):
    """The file of an ablation: its base's name with the tag in it."""
    algorithm, arch, rest = ALL_BASES[base].split('_', 2)
    return f'pretrain/ablations/{algorithm}_{arch}_{tag}_{rest}'


def test_all_are_there_and_no_other():
    assert sorted(path_of(*case) for case in CASES) == ABLATIONS
    assert len(ABLATIONS) == 38


@pytest.mark.parametrize('base, tag', CASES)
def test_differs_from_its_base_by_its_key_alone(base, tag):
    old = load(f'pretrain/{ALL_BASES[base]}').to_dict()
    new = load(path_of(base, tag)).to_dict()
    expected = {f'model.{key}': v for key, v in ALL[tag][2].items()}
    assert len(expected) == 1
    assert differences(old, new) == expected


@pytest.mark.parametrize('base, tag', CASES)
def test_header_gives_place_and_number(base, tag):
    place, accuracy, _ = ALL[tag]
    doc = header(path_of(base, tag))
    assert place in doc
    if base.endswith('fashion-mnist'):
        assert 'has no such row' in doc and '%' not in doc
    elif place == NO_ROW:
        top_1 = '81.2 % top-1 in Table 4' if 'fast' in base else '81.4 % top-1'
        assert doc.count('%') == 1 and top_1 in doc
    elif accuracy is None:
        assert 'plotted only; the base, lambda 0.5, has 81.4 %' in doc
    else:
        assert f'{place}: {accuracy} % top-1' in doc
        assert doc.count('%') == 2 and 'has 81.4 %' in doc


def forward_share(model):
    """The encoder's share of MAE's multiplications, with a stock decoder."""

    def blocks(count, tokens, width):
        # Linear layers 3 + 1 + 4 + 4, and attention twice.
        return count * (12 * tokens * width**2 + 2 * tokens**2 * width)

    grid, neck = model.backbone.num_patches, model.neck
    visible = grid // 4 + 1
    width = model.backbone.embed_dims
    encoder = blocks(len(model.backbone.layers), visible, width)
    encoder += grid // 4 * 768 * width
    decoder_width = neck.decoder_pred.in_features
    decoder = blocks(len(neck.decoder_blocks), grid + 1, decoder_width)
    decoder += visible * width * decoder_width
    decoder += (grid + 1) * decoder_width * 768
    return encoder / (encoder + decoder)


@pytest.mark.parametrize('tag', ALL)
def test_header_states_the_cost(tag):
    e = forward_share(build_full_size(load(f'pretrain/{BASES["in1k"]}')))
    assert e == pytest.approx(0.17, abs=0.005)
    fast = 'fast-' if tag in FAST else ''
    name = path_of(f'{fast}in1k', tag)
    model = load(name).model
    attack = MODELS.build(model.attack)
    attacked = 1 if attack.distance == 'reconstruction' else e
    steps = 0 if tag == 'noise' else attack.num_steps
    adversarial = model.adv_ratio * (3 + 2 * steps * attacked)
    cost = f'{(3 + adversarial) / 3:.1f}x'
    changed = tag in ('steps1', 'steps3', 'reconstruction', 'noise')
    base = '1.3x' if fast else f'{(6 + 4 * e) / 3:.1f}x'
    assert base in ('1.3x', '2.2x') and (cost != base) == changed
    than = f'base: {base}' if changed else 'as the base'
    line = f'relative to MAE: {cost} by operation count ({than})'
    assert line in header(name)
    row = next(
        line
        for line in (ROOT / 'docs/configs.md').read_text().splitlines()
        if line.startswith('| `')
        and ('`lambda01`' if 'lambda' in tag else f'`{tag}`') in line
    )
    assert cost in row.split('|')[-2]
    # With other sizes the numbers are others: words only.
    small = header(path_of(f'{fast}fashion-mnist', tag))
    said = re.search(r'Cost of an epoch: ([^.]+)\.', small)[1]
    assert (said == 'as the base') == (not changed)
    assert ('decodes' in said) == (tag == 'reconstruction')


def test_header_of_the_base_says_that_it_is_the_remaining_row():
    doc = header(f'pretrain/{BASES["in1k"]}')
    assert 'remaining row' in doc and 'Table 8' in doc and 'Figure 4' in doc


@pytest.mark.parametrize(
    'tag, step, said',
    [
        ('eps1', 0.5, 'mu = epsilon / T = 0.5; the base has 1.'),
        ('eps4', 2, 'mu = epsilon / T = 2; the base has 1.'),
        ('steps1', 2, 'mu = epsilon / T = 2; the base has 1.'),
        ('steps3', 2 / 3, 'mu = epsilon / T = 2/3; the base has 1.'),
        ('mu2', 2, 'mu = 2 epsilon / T = 2; the base has 1.'),
        ('mu4', 4, 'mu = 2 epsilon / T = 4; the base has 2.'),
    ],
)
@pytest.mark.parametrize('base', BASES)
def test_the_step_size_and_what_the_header_says(base, tag, step, said):
    base = f'fast-{base}' if tag in FAST else base
    name = path_of(base, tag)
    attack = MODELS.build(load(name).model.attack)
    assert attack.step_size == pytest.approx(step)
    assert said in header(name)
    before = load(f'pretrain/{ALL_BASES[base]}').model.attack
    assert said.endswith(f' {MODELS.build(before).step_size:g}.')
    if '2 epsilon' in said:
        assert attack.step_size * attack.num_steps == 2 * attack.epsilon


@pytest.mark.parametrize('base', BASES)
@pytest.mark.parametrize(
    'tag, twins', [('no-adapters', 0), ('cls-token', 1), ('kl', None)]
)
def test_adapters_of_the_built_model(base, tag, twins):
    model = build_full_size(load(path_of(base, tag)))
    names = [n for n, _ in model.named_parameters() if n.startswith('adv.')]
    if tag == 'cls-token':
        assert names == ['adv.backbone.cls_token']
    if twins is None:  # the norms of encoder and decoder, two tensors each
        blocks = len(model.backbone.layers) + len(model.neck.decoder_blocks)
        twins = 2 * (2 * blocks + 2)
    assert len(names) == twins
