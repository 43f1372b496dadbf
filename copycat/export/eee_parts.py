"""What records and samples of Every Eval Ever share: the configuration that they are of, and its names."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from copycat.export.models import NamedModel, distinct
from copycat.measures import Measure
from copycat.records import Request
from copycat.runs.data import RunData

SCHEMA = "0.3.0"
"""Of Every Eval Ever, both of records and of samples."""


@dataclass(frozen=True)
class Asked:
    """What a run's judges were asked of one kind, and how."""

    members: tuple[str, ...]
    """Identities: the judge of the numbers, or the members of that panel."""
    question: str
    """As it was put; empty where it was another for each picture."""
    in_words: bool
    """Whether they answered in words, here, and not by comparing features or somewhere else."""


@dataclass(frozen=True)
class Configuration:
    """One model under one mitigation on one prompt set: what a record is about."""

    run: RunData
    model: NamedModel
    mitigation: str
    prompt_set: str
    requests: Sequence[Request]
    asked: Mapping[str, Asked]
    """By the kind of question, of all that the run's judges were asked."""

    @property
    def collection(self) -> str:
        """The folder of the datastore: the benchmark, whose characters are those of the registry."""
        return f"copycat-{distinct(self.run.registry.name)}"

    @property
    def identity(self) -> str:
        """Tells it from every other one, the same whenever it is exported."""
        told = (self.model.identity, self.run.path.name, self.mitigation, self.prompt_set, self.timestamp)
        return "/".join((self.collection, self.model.id, *told[1:], told[0]))

    @property
    def file(self) -> str:
        """Its UUID, of version 4 as the datastore asks, though it follows from the identity: so the same run
        gives the same files."""
        return str(uuid.UUID(bytes=hashlib.sha256(self.identity.encode()).digest()[:16], version=4))

    @property
    def folder(self) -> str:
        """Where its files lie."""
        developer, _, name = self.model.id.partition("/")
        return f"data/{self.collection}/{developer}/{name.replace('/', '_')}"

    @property
    def evaluation_id(self) -> str:
        """As the schema asks: benchmark, model and time, and between them the configuration."""
        parts = (self.collection, self.model.id, self.prompt_set, self.mitigation, self.timestamp)
        return "/".join(parts)

    @property
    def timestamp(self) -> str:
        """When the numbers came about, seconds since 1970; so that the same run gives the same record."""
        m = self.run.manifest
        scored = m.stages.get("score")
        when = (scored and scored.finished) or m.finished or m.created
        return str(datetime.fromisoformat(when).timestamp()) if when else "0"

    @property
    def evaluation_name(self) -> str:
        """What is displayed, the same for all models and mitigations."""
        return f"copycat {self.run.registry.name}: {self.prompt_set}"

    def result_id(self, chosen: Measure) -> str:
        """What samples name a number by."""
        return f"{self.prompt_set}/{self.mitigation}/{metric_id(chosen)}"


def metric_id(chosen: Measure) -> str:
    """The measure's name in the namespace of this benchmark."""
    return f"copycat.{chosen.name.lower()}"


def model_info(model: NamedModel, name: str) -> dict[str, Any]:
    """A model or judge as the schema has it."""
    return {
        "name": name,
        "id": model.id,
        "developer": model.id.partition("/")[0],
        "additional_details": {
            "deployment_type": model.deployment,
            "model_availability": model.availability,
            **texts(weights=model.identity, revision=model.revision, licence=model.licence),
        },
    }


def texts(**told: object) -> Mapping[str, str]:
    """Details as the schema has them: text, and nothing for what is not known."""
    return {k: str(v) for k, v in told.items() if v is not None and v != ""}
