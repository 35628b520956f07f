# Copyright (c) aemim_mm contributors. All rights reserved.
"""Run a function in two processes, started without importing all anew."""

import multiprocessing
import time

from torch.multiprocessing import start_processes

# Imported once, by the process from which the two are forked. Not this
# package: that process may have another search path.
multiprocessing.set_forkserver_preload(['mmpretrain.models', 'timm'])


LIMIT = 300  # seconds


def run_in_two(function, *args):
    """Call ``function(rank, *args)`` for both ranks; raise what they raise."""
    context = start_processes(
        function, args, nprocs=2, join=False, start_method='forkserver'
    )
    end = time.monotonic() + LIMIT
    while not context.join(timeout=end - time.monotonic()):
        if time.monotonic() > end:
            for process in context.processes:
                process.kill()
            raise TimeoutError(f'two processes took over {LIMIT} seconds')
