"""The only room that imports Keras: build, augment, train, predict."""

from __future__ import annotations

import os

# TensorFlow prints its build options on import unless this is set.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
