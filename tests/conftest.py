"""What every test shares: figures are drawn without a screen."""

import os

os.environ["MPLBACKEND"] = "Agg"
