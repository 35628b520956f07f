# Copyright (c) aemim_mm contributors. All rights reserved.
from .mae_decoder_no_cls import MAEPretrainDecoderNoCls

__all__ = ['MAEPretrainDecoderNoCls']
