# Copyright (c) aemim_mm contributors. All rights reserved.
"""The scope ``aemim_mm``: all that is registered in mmpretrain.

mmengine looks types up in it below ``_base_ = 'aemim_mm::pretrain/...'``. For
each of mmpretrain's registries there is one, empty itself, below it.
"""

from mmengine.registry import Registry
from mmpretrain import registry as mmpretrain_registry

REGISTRIES = {
    name: Registry(
        parent.name,
        parent=parent,
        scope='aemim_mm',
        locations=['aemim_mm'],
    )
    for name, parent in vars(mmpretrain_registry).items()
    if isinstance(parent, Registry) and parent.scope == 'mmpretrain'
}
