# Copyright (c) aemim_mm contributors. All rights reserved.
"""The command line, as far as it needs neither torch nor ``aemim_mm``.

To import anything of ``aemim_mm`` takes seconds: it registers its parts in
mmpretrain. What answers at once lies here, beside it.
"""
