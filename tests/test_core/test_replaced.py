# Copyright (c) aemim_mm contributors. All rights reserved.
"""A method is replaced for a while, on one instance."""

import pytest

from aemim_mm.core.replaced import replaced


class Thing:
    """Has a method."""

    def name(self):
        """Its name."""
        return 'class'


def test_the_method_of_the_class_comes_back():
    thing, other = Thing(), Thing()
    with replaced(thing, 'name', lambda: 'new'):
        assert thing.name() == 'new' and other.name() == 'class'
    assert thing.name() == 'class' and not vars(thing)


def test_what_was_patched_onto_the_instance_comes_back():
    thing = Thing()
    thing.name = lambda: 'patched'
    with pytest.raises(KeyError), replaced(thing, 'name', len):
        assert thing.name is len
        raise KeyError
    assert thing.name() == 'patched'
