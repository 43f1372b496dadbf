"""Hosted models: how they are reached, what their errors mean, and the one way in which they are called."""

from copycat.io.hosted.api import Api, check_options, connect, key
from copycat.io.hosted.attempt import in_thread
from copycat.io.hosted.batches import Batch, Batches, Item, NoSuchBatch, NotBegun
from copycat.io.hosted.calls import Answered, Calls, Meter, Told, threads_for
from copycat.io.hosted.failures import Failure, classify, explain, refusal
from copycat.io.hosted.served import check_serving

__all__ = [
    "Answered",
    "Api",
    "Batch",
    "Batches",
    "Calls",
    "Failure",
    "Item",
    "Meter",
    "NoSuchBatch",
    "NotBegun",
    "Told",
    "check_options",
    "check_serving",
    "classify",
    "connect",
    "explain",
    "in_thread",
    "key",
    "refusal",
    "threads_for",
]
