"""Completions and hover texts at a position, and the outline of a document."""

from archnet.spec.completion.offers import Completion as Completion
from archnet.spec.completion.offers import Hover as Hover
from archnet.spec.completion.offers import Symbol as Symbol
