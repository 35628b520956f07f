# Copyright (c) aemim_mm contributors. All rights reserved.
"""Run a function in two processes, started without importing all anew."""

import multiprocessing

from torch.multiprocessing import start_processes

# Imported once, by the process from which the two are forked. Not this
# package: that process may have another search path.
multiprocessing.set_forkserver_preload(['mmpretrain.models', 'timm'])


def run_in_two(function, *args):
    """Call ``function(rank, *args)`` for both ranks; raise what they raise."""
    start_processes(function, args, nprocs=2, start_method='forkserver')
