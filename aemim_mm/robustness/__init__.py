# Copyright (c) aemim_mm contributors. All rights reserved.
from .classifier import load_config_classifier, load_timm_classifier
from .passes import Loading
from .runner import run_suite
from .sources import survey_sources
from .subject import Subject
from .suite import PARTS, SuiteOptions

__all__ = [
    'Loading',
    'PARTS',
    'Subject',
    'SuiteOptions',
    'load_config_classifier',
    'load_timm_classifier',
    'run_suite',
    'survey_sources',
]
