# Copyright (c) aemim_mm contributors. All rights reserved.
"""The models whose host time is compared: config and changes to it."""

RECIPE = 'pretrain/{}_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'
# The base comes first.
STOCK = 'stock MAE'
MODELS = {
    STOCK: ('benchmark/stock-mae_vit-small-p16.py', {}),
    'our MAE': (RECIPE.format('mae'), {}),
    **{
        f'{name}{kind}': (
            RECIPE.format(recipe),
            {'model.sequential_backward': sequential},
        )
        for name, recipe in (('Fast AEMIM', 'fast-aemim'), ('AEMIM', 'aemim'))
        for kind, sequential in (('', True), (', joint', False))
    },
}
