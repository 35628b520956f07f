# Copyright (c) aemim_mm contributors. All rights reserved.
"""The package's version, read by ``setup.py`` without an import."""

__version__ = '0.1.0'
