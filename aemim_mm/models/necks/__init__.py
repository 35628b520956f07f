# Copyright (c) aemim_mm contributors. All rights reserved.
from .mae_decoder_no_cls import MAEPretrainDecoderNoCls
from .mae_masked_decoder import MAEMaskedDecoder
from .vit_pyramid import ViTPyramid

__all__ = ['MAEMaskedDecoder', 'MAEPretrainDecoderNoCls', 'ViTPyramid']
