"""The networks of the recipe study: residual networks in 2D, 2.5D and 3D, described by a few numbers."""

from dataclasses import dataclass

WIDTHS = {2: (16, 32, 64, 96, 128), 3: (16, 16, 32, 64, 64)}
"""Filters of the first convolution and of each residual block: those of `res2d` and `res3d`."""


@dataclass(frozen=True, kw_only=True)
class ResidualNetwork:
    """A residual network.

    Attributes:
        form: "2d", "channels" (2D, all slices as channels), "slices" (2D layers on every slice, with attention),
            "orthogonal" (2D layers on three planes, with attention) or "3d".
        widths: Filters of the first convolution and of each block; None means `WIDTHS`.
        norm: Normalization.
        se: Ratio of squeeze-and-excitation in each block; None means none.
        drop_path: Percentage of stochastic depth in each block.
        drop_out: Percentage of dropout before the last layer.
        pools: Global poolings whose results are joined.
        first_block: Whether a residual block at full resolution comes before the first stride.
        repeats: Number of residual blocks per resolution.
    """

    form: str = "3d"
    widths: tuple[int, ...] | None = None
    norm: str = "batch"
    se: int | None = None
    drop_path: float = 0
    drop_out: float = 30
    pools: tuple[str, ...] = ("GAP",)
    first_block: bool = False
    repeats: int = 1

    @property
    def rank(self):
        """The number of axes of the convolutions."""
        return 3 if self.form == "3d" else 2

    def to_document(self):
        """The architecture as archnet reads it."""
        first, *widths = self.widths or WIDTHS[self.rank]
        layers = [self._convolution(first, 1, "relu"), *([self._block(first, 1)] if self.first_block else [])]
        for width in widths:
            layers += [self._block(width, 2), *(self._block(width, 1) for _ in range(self.repeats - 1))]
        pools = [{"type": one} for one in self.pools]
        layers += pools if len(pools) == 1 else [{"type": "CAT", "branches": [[one] for one in pools]}]
        if self.form in ("slices", "orthogonal"):
            layers = [{"type": "VIEWS", "planes": self.form, "fuse": "attention", "layers": layers}]
        layers += [{"type": "DO", "drop_out": self.drop_out}] if self.drop_out else []
        return {"name": f"net_{self.form}", "layers": [*layers, {"type": "T", "activation": "softmax"}]}

    def _convolution(self, width, stride, activation):
        return {
            "type": "C",
            "num_output": width,
            "kernel_size": [3] * self.rank,
            "stride": [stride] * self.rank,
            "activation": activation,
            "norm": self.norm,
        }

    def _block(self, width, stride):
        layers = [self._convolution(width, stride, "relu"), self._convolution(width, 1, None)]
        layers += [{"type": "SE", "ratio": self.se}] if self.se else []
        block = {"type": "RES", "activation": "relu", "norm": self.norm, "drop_path": self.drop_path}
        return {**block, "layers": layers}
