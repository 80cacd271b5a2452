"""Names of the architectures of a comparison in sentences, with their forms."""

from __future__ import annotations

from archnet.evaluation.comparison.verdict import VerdictSide


def network_text(side: VerdictSide) -> str:
    """An architecture within a sentence, such as "the 3D network arch3dsm"."""
    if side.form == "baseline":
        return f"the baseline {side.run}"
    if side.form == "stacked":
        return f"the combination {side.run}"
    return f"the {side.form} network {side.run}" if side.form else f"the network {side.run}"


def label_text(side: VerdictSide) -> str:
    """An architecture as a label, such as "arch3dsm (3D)"."""
    return f"{side.run} ({side.form})" if side.form else side.run
