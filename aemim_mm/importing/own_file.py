# Copyright (c) aemim_mm contributors. All rights reserved.
"""A checkpoint of mmpretrain: its encoder, decoder and classifier."""

from os import PathLike

from ..export.source import Source, read_source
from ..utils.read_config import read_config
from .foreign_file import ForeignFile
from .keys import Parts


def own_parts(
    foreign: ForeignFile, config: str | PathLike | None
) -> tuple[Source, Parts]:
    """Split a checkpoint whose keys are mmpretrain's already.

    Into encoder and classifier; and decoder and mask token. Without a config,
    the one in the file is taken. ValueError if there is no encoder in the
    file.
    """
    weights = foreign.weights
    if 'patch_embed.projection.weight' in weights:  # a backbone alone
        mask_token = weights.pop('mask_token', None)
        told = {} if config is None else read_config(str(config)).to_dict()
        source = Source(foreign.path, weights, {}, {}, {}, told, foreign.meta)
        return source, Parts({}, mask_token)
    source = read_source(foreign.path, config)
    decoder = {}
    if {'neck.decoder_embed.weight', 'neck.decoder.0.weight'} & set(weights):
        source.dropped.pop('neck.*')
        decoder = {
            key.removeprefix('neck.'): value
            for key, value in weights.items()
            if key.startswith('neck.')
        }
    return source, Parts({}, weights.get('backbone.mask_token'), decoder)
