# Copyright (c) aemim_mm contributors. All rights reserved.
from aemim_mm.utils.near_misses import near_misses, similar


def test_similar_words_come_best_first():
    words = ['epsilon', 'epsilons', 'num_steps', 'epsilon']
    assert similar('epsilom', words) == ['epsilon', 'epsilons']
    assert similar('lr', words) == []


def test_text():
    assert near_misses('sclae', ['scale']) == ' Did you mean "scale"?'
    text = near_misses('tets_cfg', ['test_cfg', 'tent_cfg', 'x'])
    assert text == ' Did you mean "test_cfg" or "tent_cfg"?'
    assert near_misses('qkv', ['scale']) == ''
