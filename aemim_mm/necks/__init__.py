# Copyright (c) aemim_mm contributors. All rights reserved.
from .mae_decoder_no_cls import MAEPretrainDecoderNoCls
from .vit_pyramid import ViTPyramid

__all__ = ['MAEPretrainDecoderNoCls', 'ViTPyramid']
