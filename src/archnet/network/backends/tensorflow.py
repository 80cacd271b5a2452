"""TensorFlow functions that Keras does not provide: graphs, gradients and devices. Only `backend` imports it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import tensorflow as tf
from keras import StatelessScope

try:
    from tensorflow.python.util import _pywrap_util_port as _build
except ImportError:  # it is internal, but nothing public tells whether TensorFlow computes with oneDNN
    _build = None

Tensor = Any

GPU_PACKAGES: Final = 'pip install "archnet[cuda]"'
MULTI_GPU_HINT: Final = "--device gpu takes all"

# Each network has its own graphs, which TensorFlow mistakes for repeated retracing of one function.
tf.get_logger().setLevel("ERROR")


def compile_graph(function: Callable[..., Tensor], variables: Sequence[Any]) -> Callable[..., Tensor]:
    """Compile a function to a graph for any number of cases.

    XLA stays off: it makes 3D convolutions on a CPU many times slower.

    Args:
        function: Takes a dict of tensors with cases along the first axis, or nothing.
        variables: Variables that the function reads and changes; TensorFlow finds them itself.
    """
    graphs: list[Callable[..., Tensor]] = []

    def call(*batches: dict[str, Any]) -> Tensor:
        tensors = [{name: tf.convert_to_tensor(array) for name, array in batch.items()} for batch in batches]
        if not graphs:
            signature = [{name: _batch_spec(tensor) for name, tensor in batch.items()} for batch in tensors]
            graphs.append(tf.function(function, input_signature=signature, jit_compile=False, autograph=False))
        return graphs[0](*tensors)

    return call


def _batch_spec(tensor: Tensor) -> tf.TensorSpec:
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype)


def value_and_gradients(
    function: Callable[[], tuple[Tensor, Tensor]], weights: Sequence[Any], others: Sequence[Any]
) -> tuple[Tensor, list[Tensor]]:
    """Return the auxiliary outputs of a function, and the gradient of its scalar with respect to weights.

    Args:
        function: Returns the scalar and auxiliary outputs; it may only read these variables.
        weights: Trainable variables.
        others: Variables that the function changes.
    """
    values = [weight.value for weight in weights]
    with tf.GradientTape() as tape:
        tape.watch(values)
        scalar, outputs = function()
    return outputs, tape.gradient(scalar, values)


def replicate(
    function: Callable[[dict[str, Tensor]], Tensor], variables: Sequence[Any], changing: Sequence[Any]
) -> Callable[[dict[str, Tensor]], Tensor]:
    """Run a function on every device for its share of the cases, and sum the outputs over the devices.

    The devices receive the values of the variables and return the changed ones, which are averaged: variables are not
    replicated, so optimizers and checkpoints do not depend on devices. On one device, this is the function itself.

    Args:
        function: Takes a dict of tensors with at least as many cases as there are devices, and returns tensors in
            tuples and lists.
        variables: All variables that the function reads and changes.
        changing: Variables that it changes.
    """
    names = [device.name for device in _logical_devices()]
    if len(names) == 1:
        return function
    # Summing on one device needs no NCCL, has a fixed order, and needs no broadcast of the result.
    strategy = tf.distribute.MirroredStrategy(names, cross_device_ops=tf.distribute.ReductionToOneDevice())

    def call(batch: dict[str, Tensor]) -> Tensor:
        mapping = [(variable, tf.convert_to_tensor(variable.value)) for variable in variables]

        def run_replica() -> tuple[Tensor, list[Tensor]]:
            context = tf.distribute.get_replica_context()
            replica, count = context.replica_id_in_sync_group, context.num_replicas_in_sync
            with StatelessScope(state_mapping=mapping) as scope:
                outputs = function({name: tensor[replica::count] for name, tensor in batch.items()})
            values = [scope.get_current_value(variable) for variable in changing]
            return outputs, values

        def reduce_shares(how: tf.distribute.ReduceOp, shares: Tensor) -> Tensor:
            return tf.nest.map_structure(lambda each: strategy.extended.reduce_to(how, each, names[0]), shares)

        outputs, values = strategy.run(run_replica)
        for variable, value in zip(changing, reduce_shares(tf.distribute.ReduceOp.MEAN, values), strict=True):
            variable.assign(value)
        return reduce_shares(tf.distribute.ReduceOp.SUM, outputs)

    return call


def num_gpus() -> int:
    """Number of GPUs of this machine."""
    return len(tf.config.list_physical_devices("GPU"))


def use_gpus(gpus: Sequence[int] | None) -> None:
    """Make only the given GPUs visible, with memory growth. This must be called before any device is used.

    Args:
        gpus: Numbers of GPUs; an empty list selects the CPU; None selects the first GPU, if there is one.

    Raises:
        RuntimeError: This process has already used its devices.
    """
    present = tf.config.list_physical_devices("GPU")
    chosen = present[:1] if gpus is None else [present[number] for number in gpus]
    if chosen != tf.config.get_visible_devices("GPU"):
        tf.config.set_visible_devices(chosen, "GPU")
    for gpu in chosen:
        if not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, True)


def lacks_onednn() -> bool:
    """Whether this TensorFlow could compute with oneDNN but has started without it."""
    return bool(_build and _build.IsX86Available() and sys.platform != "darwin" and not _build.IsMklEnabled())


def pools_3d_correctly(dtype: str) -> bool:
    """Whether the gradient of a 3D max pooling in a graph goes to one of several equal maxima, not to each of them.

    TensorFlow's own kernel for a CPU gives it to each; oneDNN's does not, but may exist in float32 only.

    Args:
        dtype: Name of the compute dtype.
    """
    return bool(tf.config.get_visible_devices("GPU") or (dtype == "float32" and _build and _build.IsMklEnabled()))


def enable_determinism() -> None:
    """Use deterministic operations from now on; operations without a deterministic kernel fail."""
    tf.config.experimental.enable_op_determinism()


def _logical_devices() -> Sequence[Any]:
    return tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")


def devices() -> list[str]:
    """Names of the devices used for training: GPUs with their models, or CPUs."""
    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        cpus = _logical_devices()
        return ["CPU"] if len(cpus) == 1 else [f"CPU:{number}" for number in range(len(cpus))]
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "") for gpu in gpus]
    return [f"GPU:{gpu.name.rpartition(':')[2]} {name}".strip() for gpu, name in zip(gpus, names, strict=True)]


def num_threads() -> int:
    """Number of threads per CPU operation; 0 means one per core."""
    return int(tf.config.threading.get_intra_op_parallelism_threads())


def accelerator_has_bfloat16() -> bool | None:
    """Whether the first GPU supports bfloat16 (from compute capability 8.0); None without a GPU."""
    devices = tf.config.get_visible_devices("GPU")
    if not devices:
        return None
    capability = tf.config.experimental.get_device_details(devices[0]).get("compute_capability", (0, 0))
    return bool(capability >= (8, 0))


def has_fast_groups() -> bool:
    """Whether Keras's grouped convolutions are fast: never, because exported formats do not use XLA."""
    return False


def load_saved_model(path: Path) -> Callable[[Any], Tensor]:
    """Load the serving function of a SavedModel folder without Keras."""
    model = tf.saved_model.load(path)
    return lambda images: model.serve(images)  # the function alone would not keep the weights alive


@contextmanager
def full_float32() -> Iterator[None]:
    """Use float32 instead of TensorFloat-32, which has 10 mantissa bits, on GPUs while the block runs."""
    was_enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(was_enabled)


def normalize(inputs: Tensor, scale: Tensor, offset: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize inputs (..., channels) over all axes except the last; also return means and variances (channels,).

    Uses one fused operation forward and one backward, in float32; Keras's layer takes a dozen passes over memory.
    """
    rows = tf.reshape(inputs, (tf.shape(inputs)[0], 1, -1, inputs.shape[-1]))
    outputs, mean, unbiased = tf.compat.v1.nn.fused_batch_norm(rows, scale, offset, epsilon=epsilon, is_training=True)
    count = tf.cast(tf.size(rows) // inputs.shape[-1], tf.float32)
    return tf.reshape(outputs, tf.shape(inputs)), mean, unbiased * (count - 1) / count
