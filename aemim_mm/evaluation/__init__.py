# Copyright (c) aemim_mm contributors. All rights reserved.
from .fgsm_accuracy import fgsm_accuracy

__all__ = ['fgsm_accuracy']
