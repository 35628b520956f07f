# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.robustness')

from aemim_mm_cli.robustness_arguments import PARTS

from .attacked_images import check_attacked_images
from .evaluated_classifier import EvaluatedClassifier
from .image_pass import Loading
from .linear_probe import read_linear_probe, with_linear_probe
from .load_classifier import load_config_classifier, load_timm_classifier
from .load_encoder import load_config_encoder
from .nearest_neighbours import with_neighbours
from .runner import run_suite
from .sources import ImageSource, survey_sources
from .suite import SuiteOptions

__all__ = [
    'EvaluatedClassifier',
    'ImageSource',
    'Loading',
    'PARTS',
    'SuiteOptions',
    'check_attacked_images',
    'load_config_classifier',
    'load_config_encoder',
    'load_timm_classifier',
    'read_linear_probe',
    'run_suite',
    'survey_sources',
    'with_linear_probe',
    'with_neighbours',
]
