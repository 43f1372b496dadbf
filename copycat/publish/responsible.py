"""What is told of a dataset for responsible use: the properties of Croissant RAI 1.0, and provenance by PROV.

Everything follows from the runs; a property that they say nothing about is left out. The vocabulary:
https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html, `rai:hasSyntheticData` and `prov:` as in
https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html (Responsible AI and Governance).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from copycat.attacks.parse import parted
from copycat.measures import DETECT
from copycat.publish.collect import Publication
from copycat.records import Unscored
from copycat.report.reproduction import imported_from
from copycat.report.words import agreement_sentence, judge_sentence, number, origin_sentence
from copycat.runs.data import RunData
from copycat.runs.manifest import RECORDED

PAPER = "He et al. 2024, Fantastic Copyrighted Beasts and How (Not) to Generate Them"


def responsible(publication: Publication) -> dict[str, Any]:
    """The properties by name, for the dataset of `publication` in JSON-LD."""
    told: dict[str, Any] = {
        "rai:dataCollection": _joined(map(_collection, publication.runs)),
        "rai:dataCollectionType": ["Experiments"],
        "rai:dataCollectionTimeframe": _timeframe(publication),
        "rai:dataCollectionMissingData": _joined(map(_missing, publication.runs)),
        "rai:dataCollectionRawData": _joined(map(_raw, publication.runs)),
        "rai:dataPreprocessingProtocol": _videos(publication),
        "rai:dataAnnotationProtocol": _protocol(publication),
        "rai:dataAnnotationPlatform": ["copycat annotate"] if publication.people.labels else [],
        "rai:dataAnnotationAnalysis": _analysis(publication),
        "rai:annotationsPerItem": _per_item(publication),
        "rai:machineAnnotationTools": _distinct(_judges(publication.runs)),
        "rai:dataBiases": _distinct(judge_sentence(run.rates) for run in publication.runs),
        "rai:dataLimitations": limits(publication),
        "rai:dataUseCases": [
            "Testing: how readily generative models reproduce characters, with and without guardrails, and "
            "how far judges of that can be believed.",
            "Not meant for training or fine-tuning: pictures and prompts were made to show characters.",
        ],
        "rai:dataSocialImpact": _impact(publication),
        "rai:personalSensitiveInformation": _personal(publication),
        "rai:dataReleaseMaintenancePlan": _maintenance(publication),
        "prov:wasDerivedFrom": _derived(publication.runs),
        "prov:wasGeneratedBy": [a for run in publication.runs for a in _activities(run)],
    }
    if any(imported_from(run.manifest) is None for run in publication.runs):
        told["rai:hasSyntheticData"] = True
    return {k: v for k, v in told.items() if v}


def limits(publication: Publication) -> list[str]:
    """What its numbers do not say, one sentence each; the card has the same."""
    told = []
    if any(DETECT in run.measures for run in publication.runs):
        told.append(
            f"{DETECT.name} counts recognisability as a judge sees it. It is not a legal finding of copying, "
            "and a low number is not a clearance."
        )
    told += [
        "A judge errs; what is known of its errors stands with each table of figures.",
        'A refused, failed or unscored picture is in no denominator: it is not "not detected".',
    ]
    for run in publication.runs:
        asked = len({r.character for r in run.requests})
        told.append(
            f"{run.path.name} asks for {asked} of the {len(run.registry)} characters of the registry "
            f"{run.registry.name}; its intervals say how far that reaches."
        )
        if run.manifest.status != "complete":
            told.append(
                f"{run.path.name} is not complete: {len(run.images)} of {len(run.requests)} pictures."
            )
        told += run.manifest.notes
    return list(dict.fromkeys(told))


def _collection(run: RunData) -> str:
    where = origin_sentence(imported_from(run.manifest))
    mitigations = ", ".join(dict.fromkeys(r.mitigation for r in run.requests))
    settings = (
        f"under the mitigations {mitigations}, with the run seeds {', '.join(map(str, run.manifest.seeds))}"
    )
    if where:
        return f"{where} They are of the model {run.manifest.model}, by their importer's table {settings}."
    return (
        f"{len(run.requests)} pictures were planned of the model {run.manifest.model} {settings}, and "
        f"{sum(row.outcome == 'ok' for row in run.images.values())} made, by copycat {run.manifest.copycat}."
    )


def _timeframe(publication: Publication) -> list[str]:
    began = [r.manifest.created for r in publication.runs if r.manifest.created]
    ended = [r.manifest.finished for r in publication.runs if r.manifest.finished]
    return [min(began), max(ended)] if began and ended else []


def _missing(run: RunData) -> str:
    outcomes = Counter(row.outcome for row in run.images.values())
    unscored = sum(isinstance(v.answer, Unscored) for v in run.verdicts)
    return (
        f"{run.path.name}: of {len(run.requests)} pictures planned {outcomes['refused_prompt']} prompts and "
        f"{outcomes['refused_output']} pictures were refused, {outcomes['error']} failed and "
        f"{len(run.requests) - len(run.images)} were not begun; {unscored} questions have no answer. None of "
        "these is in a denominator, and of all but those that were not begun a row says why."
    )


def _raw(run: RunData) -> str:
    sets = ", ".join(dict.fromkeys(r.prompt_set for r in run.requests))
    asked = len({r.character for r in run.requests})
    return (
        f"The prompt sets {sets} for {asked} characters of the registry {run.registry.name}, version "
        f"{run.registry.version}; each prompt is in the table prompts as it was before and after mitigations."
    )


def _videos(publication: Publication) -> list[str]:
    if not any(r.sampling.frames for run in publication.runs for r in run.requests):
        return []
    return [f"Of a video the first, the middle and the last frame are judged ({PAPER}, section C.2)."]


def _protocol(publication: Publication) -> str:
    kinds = Counter((v.judge, v.kind) for run in publication.runs for v in run.verdicts)
    told = [
        f"{n} recorded answers to {kind} are by {judge}"
        if judge.startswith(RECORDED)
        else f"{judge} was asked {kind} {n} times"
        for (judge, kind), n in kinds.items()
    ]
    asked = f"Pictures were shown to judges: {'; '.join(told)}. " if told else ""
    words = "The words of each question and the answers are in the table verdicts." if told else ""
    rows = [x for found in publication.people.labels.values() for x in found]
    if rows:
        raters = len({x.rater for x in rows})
        words += (
            f" {raters} rater{'s' * (raters > 1)} gave {len(rows)} labels, blind to the judges, that say "
            "whether a picture shows the character that they were asked about; they are in the table labels."
        )
    return f"{asked}{words}".strip()


def _judges(runs: Iterable[RunData]) -> Iterable[str]:
    return (v.judge for run in runs for v in run.verdicts)


def _analysis(publication: Publication) -> list[str]:
    told = [agreement_sentence(a) for run in publication.runs for a in run.agreement]
    for name, c in publication.people.calibrations.items():
        alpha = f", Krippendorff's α {number(c.raters.alpha, 3)}" if c.raters.alpha is not None else ""
        told.append(
            f"{name}: {len(c.raters.raters)} raters{alpha}; {c.items} pictures of known truth, "
            f"{c.positives} of which show the character. How far each judge agrees with that is in the table "
            "calibrations."
        )
    return _distinct(told)


def _per_item(publication: Publication) -> str:
    found = Counter(
        (run, x.image, x.character) for run, rows in publication.people.labels.items() for x in rows
    )
    if not found:
        return ""
    low, high = min(found.values()), max(found.values())
    much = str(low) if low == high else f"{low} to {high}"
    return f"{much}, of the {len(found)} pictures with a character that raters labelled."


def _impact(publication: Publication) -> str:
    attacks = {r.mitigation for run in publication.runs for r in run.requests if parted(r.mitigation)}
    if not attacks:
        return ""
    return (
        f"It holds prompts of attacks on guardrails ({', '.join(sorted(attacks))}). They show which "
        "guardrails hold, and may help somebody to get past one."
    )


def _personal(publication: Publication) -> list[str]:
    people, told = publication.people, []
    if people.raters:
        how = "by name, as the publisher chose" if people.named else "by pseudonyms"
        raters = f"{len(people.raters)} rater{'s' * (len(people.raters) > 1)}"
        times = ", with the time of each label" if people.labels else ""
        told.append(f"It holds answers of {raters}, called {how}{times}.")
    recorded = [j for j in _distinct(_judges(publication.runs)) if j.startswith(RECORDED)]
    if recorded:
        told.append(
            f"Answers given elsewhere go by what their importer called them ({', '.join(recorded)}); "
            "whether people gave them the run does not know."
        )
    return told or ["No labels of people are in it; the answers are those of judges, called as their cards."]


def _maintenance(publication: Publication) -> str:
    listed = "every data file is listed with its SHA-256"
    if publication.repository is None:
        return f"Written once to a folder; {listed}, and the same runs give the same bytes."
    return (
        f"Each publication is one commit of {publication.repository}, which a later one replaces; {listed}."
    )


def _derived(runs: Iterable[RunData]) -> list[dict[str, str]]:
    told = {}
    for run in runs:
        origin = run.manifest.origin
        while origin:
            at = f"@{origin.revision}" if origin.revision else ""
            told[f"{origin.source}{at}"] = origin.how
            origin = origin.before
    return [{"@type": "prov:Entity", "prov:label": f"{how} from {source}"} for source, how in told.items()]


def _activities(run: RunData) -> Iterable[dict[str, Any]]:
    """How the pictures were made and how they were judged, by which program, when."""
    m = run.manifest
    commit = f", commit {m.git_commit}" if m.git_commit else ""
    program = {"@type": "prov:SoftwareAgent", "prov:label": f"copycat {m.copycat}{commit}"}
    judged = f"judging by {m.judge}" if m.judge else ""
    for stage, label in (("generate", f"drawing by {m.model}"), ("judge", judged)):
        record = m.stages.get(stage)
        if record is None or not label:
            continue
        told: dict[str, Any] = {
            "@type": "prov:Activity",
            "prov:label": f"{run.path.name}: {label}",
            "prov:startedAtTime": record.started,
            "prov:wasAssociatedWith": program,
        }
        yield told | ({"prov:endedAtTime": record.finished} if record.finished else {})


def _distinct(told: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(told))


def _joined(told: Iterable[str]) -> str:
    return " ".join(_distinct(told))
