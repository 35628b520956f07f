# Copyright (c) aemim_mm contributors. All rights reserved.
class Disagreement(ValueError):
    """Two statements of a run that cannot both hold.

    The message is for the user: it names both sides, with the keys or files
    they stand in and their values, and the way out.
    """
