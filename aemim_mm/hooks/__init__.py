# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.hooks')

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .channels_last_hook import ChannelsLastHook
from .checkpoint_fit_hook import CheckpointFitHook
from .compile_blocks_hook import CompileBlocksHook
from .epoch_seed_hook import EpochSeedHook
from .interrupt_hook import InterruptHook
from .new_schedule_hook import NewScheduleHook
from .non_finite_hook import NonFiniteLossHook
from .online_eval_hook import OnlineEvalHook
from .recipe_info_hook import RecipeInfoHook
from .reconstruction_hook import ReconstructionHook
from .run_origin_hook import RunOriginHook

__all__ = [
    'AtomicCheckpointHook',
    'ChannelsLastHook',
    'CheckpointFitHook',
    'CompileBlocksHook',
    'EpochSeedHook',
    'InterruptHook',
    'NewScheduleHook',
    'NonFiniteLossHook',
    'OnlineEvalHook',
    'RecipeInfoHook',
    'ReconstructionHook',
    'RunOriginHook',
]
