# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest

from aemim_mm.robustness import SuiteOptions, check_attacked_images
from aemim_mm.robustness.sources import Survey

ALL, LISTED = 'imagenet', 'attacks'


def surveys(images, name=ALL):
    return {name: Survey('/data/val', images, 1000, True, 'digest')}


@pytest.mark.parametrize(
    'options, images, name',
    [
        # No more than the paper's.
        (dict(parts=['fgsm', 'pgd', 'curve']), 5000, ALL),
        # Nothing is attacked.
        (dict(parts=['imagenet', 'real']), 50000, ALL),
        # A list says which, however many it has.
        (dict(parts=['pgd'], attack_list='list.txt'), 50000, LISTED),
        # The paper's list is of ImageNet-1K.
        (dict(parts=['fgsm'], class_file='c.txt'), 10000, ALL),
    ],
)
def test_what_goes_through(options, images, name):
    check_attacked_images(SuiteOptions('d', **options), surveys(images, name))


@pytest.mark.parametrize(
    'parts, named',
    [
        (['curve', 'pgd', 'fgsm'], 'fgsm, pgd, curve would attack all 50000'),
        (['imagenet', 'pgd'], 'pgd would attack all 50000'),
    ],
)
def test_all_validation_images_are_refused_with_the_way_out(parts, named):
    with pytest.raises(ValueError) as error:
        check_attacked_images(SuiteOptions('d', parts), surveys(50000))
    message = str(error.value)
    assert message.startswith(f'{named} images of /data/val.')
    for words in (
        'pip download --no-deps robustbench==1.1.1',
        'python tools/make_ares_list.py --ids ids.txt data/ares5000.txt',
        '--attack-list data/ares5000.txt',
        '--attack-all',
    ):
        assert words in message


def test_one_image_more_than_the_paper_is_refused():
    with pytest.raises(ValueError, match='all 5001 images'):
        check_attacked_images(SuiteOptions('d', ['fgsm']), surveys(5001))
