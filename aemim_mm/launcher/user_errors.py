# Copyright (c) aemim_mm contributors. All rights reserved.
"""A user's error ends in one message, without a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Exit code of a command line that cannot be served, as argparse's.
USAGE_ERROR = 2
# What checks raise for what the user wrote.
USER_ERRORS = (ValueError, TypeError, KeyError, OSError, ImportError)


@contextmanager
def user_errors(traceback: bool = False) -> Iterator[None]:
    """Turn errors of a ``with`` block into a message and exit code 2.

    Of several processes on one machine the first prints it.

    Args:
        traceback (bool): Whether errors are left as they are. Defaults to
            False.

    Yields:
        None: Nothing.

    Raises:
        SystemExit: With code 2, at an error of :data:`USER_ERRORS`.
    """
    if traceback:
        yield
        return
    try:
        yield
    except USER_ERRORS as error:
        if os.environ.get('LOCAL_RANK', '0') == '0':
            # The text of a KeyError is the representation of its argument.
            plain = isinstance(error, KeyError) and len(error.args) == 1
            message = error.args[0] if plain else error
            print(f'error: {message}', file=sys.stderr)
        raise SystemExit(USAGE_ERROR) from None
