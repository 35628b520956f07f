# Copyright (c) aemim_mm contributors. All rights reserved.
"""What is left behind where the pickle of a file is executed."""

import os


class Evil:
    """Makes a folder when it is loaded.

    Args:
        marker (str or PathLike): The folder.
    """

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)
