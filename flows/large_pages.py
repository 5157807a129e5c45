"""Large pages for what training allocates.

XLA takes the buffers of every training step anew from the C library, which gets them from the system in pages of
4 KiB and returns them after the step; with pages of 2 MiB a step of stage one takes 0.62 of the time
(docs/decisions/0005). The C library reads the setting only when a process starts.
"""

import os
import sys

VARIABLE = "GLIBC_TUNABLES"
SETTING = "glibc.malloc.hugetlb=1"


def restart_with_large_pages() -> None:
    """Replace this process by itself with large pages; does nothing where the variable is set, or off Linux."""
    if sys.platform == "linux" and VARIABLE not in os.environ:
        os.environ[VARIABLE] = SETTING
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
