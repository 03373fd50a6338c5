"""What importing the package costs beyond torch and torchvision, in fresh interpreters."""

import subprocess
import sys

from resattn.bench import Action, Row, interleaved_medians

OURS = "import resattn; resattn.create_model; import resattn.data, resattn.training, resattn.probes"


def measure(rounds: int = 7) -> list[Row]:
    """Median seconds of a whole interpreter that imports, ours in turn with the baseline."""

    def start(code: str) -> Action:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    taken = interleaved_medians(
        {"baseline": start("import torch, torchvision"), "ours": start(OURS)}, rounds
    )
    return [
        ("`import torch, torchvision`", f"{taken['baseline']:.2f} s"),
        ("`import resattn` and its model, data, training, probes", f"{taken['ours']:.2f} s"),
        ("ratio", f"{taken['ours'] / taken['baseline']:.2f}"),
    ]
