# Copyright (c) aemim_mm contributors. All rights reserved.
from .dalle_decoder import DALLEDecoder
from .dalle_tokenizer import DALLETokenizer
from .patch_mean_tokenizer import PatchMeanTokenizer

__all__ = ['DALLEDecoder', 'DALLETokenizer', 'PatchMeanTokenizer']
