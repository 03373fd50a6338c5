"""What every test shares: figures are drawn without a screen, and workers share the cores."""

import os

from resattn.classroom.gate import kernel_environment

os.environ |= kernel_environment() | {"MPLBACKEND": "Agg"}
