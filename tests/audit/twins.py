# ruff: noqa: E501  sentences of the data sets stay whole
"""Clean data sets for the audit, made in memory so that one thing at a time can be broken in them.

Sites, people and texts are invented. `lanterns` is crawled text with a synthetic part and describes itself in
a datasheet; `kites` is made by its authors alone and describes itself as the hub's card template asks.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from copycat.io.paths import DATA

Cells = dict[str, Any]
CONTEXT = json.loads((DATA / "croissant" / "context.json").read_text(encoding="utf-8"))


@dataclass
class Twin:
    """A data set before it is written; everything in it may be changed."""

    front: Cells
    sections: dict[str, str]
    """Of the card, by heading."""
    datasheet: dict[str, str]
    """Of the datasheet, by heading; no file where it is empty."""
    tables: dict[str, list[Cells]]
    """Rows by path."""
    files: dict[str, str]
    """Other files by path."""
    croissant: Callable[[Twin, dict[str, bytes]], Cells] | None
    edits: list[Callable[[dict[str, bytes]], None]] = field(default_factory=list)
    """What is done to the files once they are made, description and checksums included."""
    sign: bool = True
    """Whether SHA256SUMS is written."""

    def write(self, folder: Path) -> Path:
        """Write it to `folder`, with a description and checksums that are true of its files."""
        files = {name: text.encode() for name, text in self.files.items()}
        files |= {name: table_bytes(name, rows) for name, rows in self.tables.items()}
        front = f"---\n{yaml.safe_dump(self.front, sort_keys=False)}---\n" if self.front else ""
        title = self.front.get("pretty_name", "A data set")
        files["README.md"] = (front + f"# {title}\n\n" + markdown(self.sections)).encode()
        if self.datasheet:
            files["datasheet.md"] = ("# Datasheet\n\n" + markdown(self.datasheet)).encode()
        if self.croissant:
            files["croissant.json"] = json.dumps(self.croissant(self, files), indent=1).encode()
        if self.sign:
            lines = [f"{hashlib.sha256(b).hexdigest()}  {n}\n" for n, b in sorted(files.items())]
            files["SHA256SUMS"] = "".join(lines).encode()
        for edit in self.edits:
            edit(files)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder


def markdown(sections: dict[str, str]) -> str:
    return "".join(f"## {heading}\n\n{text}\n\n" for heading, text in sections.items())


def table_bytes(name: str, rows: list[Cells]) -> bytes:
    if name.endswith(".jsonl"):
        return "".join(json.dumps(r) + "\n" for r in rows).encode()
    out = io.StringIO()
    columns = list(dict.fromkeys(c for r in rows for c in r))
    writer = csv.DictWriter(out, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def described(twin: Twin, files: dict[str, bytes]) -> Cells:
    """Croissant 1.0 of the tables."""
    forms = {"jsonl": "application/jsonlines", "csv": "text/csv"}
    objects, sets = [], []
    for path, rows in twin.tables.items():
        stem, _, ending = path.rpartition("/")[2].rpartition(".")
        objects.append(
            {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path.rpartition("/")[2],
                "contentUrl": path,
                "contentSize": f"{len(files[path])} B",
                "encodingFormat": forms[ending],
                "sha256": hashlib.sha256(files[path]).hexdigest(),
            }
        )
        columns = list(dict.fromkeys(c for r in rows for c in r))
        fields = [
            {
                "@type": "cr:Field",
                "@id": f"{stem}/{c}",
                "name": c,
                "dataType": "sc:Text",
                "source": {"fileObject": {"@id": path}, "extract": {"column": c}},
            }
            for c in columns
        ]
        sets.append({"@type": "cr:RecordSet", "@id": stem, "name": stem, "field": fields})
    licence = str(twin.front.get("license", ""))
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": str(twin.front.get("pretty_name", "unnamed")).lower().replace(" ", "-"),
        "description": "An invented data set.",
        "url": "https://lanterns.example-archive.org/data",
        "license": f"https://spdx.org/licenses/{_SPDX.get(licence.lower(), licence)}",
        "creator": {"@type": "Organization", "name": "The lantern archive"},
        "datePublished": "2026-10-01",
        "version": str(twin.front.get("version", "")),
        "distribution": objects,
        "recordSet": sets,
    }


_SPDX = {"cc-by-4.0": "CC-BY-4.0", "cc-by-sa-4.0": "CC-BY-SA-4.0", "cc0-1.0": "CC0-1.0", "mit": "MIT"}

HOSTS = ("harbour-museum.org", "lamp-makers.net", "tidewater-library.info")
_LICENCES = ("CC-BY-4.0", "CC0-1.0", "MIT")


def with_hash(row: Cells) -> Cells:
    """`row` with the hash of its text."""
    return row | {"sha256": hashlib.sha256(str(row["text"]).encode()).hexdigest()}


def lanterns() -> Twin:
    """The crawled twin."""
    texts = []
    for i in range(24):
        host = HOSTS[i % 3]
        texts.append(
            with_hash(
                {
                    "id": f"t{i:03d}",
                    "text": f"Lantern number {i} hung at pier {i % 7} from 18{40 + i} until 19{10 + i}; order "
                    f"2024-{1000 + i}, 3 x 12.5 cm, catalogue 978-3-16-14841{i % 10}-0, git@github.com:a/b.git.",
                    "url": f"https://www.{host}/items/{i}.html",
                    "license": _LICENCES[i % 3],
                    "crawl_date": f"2026-0{1 + i % 8}-{10 + i % 15}",
                    "http_headers": {
                        "content-type": "text/html",
                        "last-modified": "Mon, 05 Jan 2026 10:00:00 GMT",
                    },
                    "html_metadata": {"title": f"Lantern {i}", "author": "The museum's staff"},
                    "author": ("Museum staff", "Lamp makers' guild", "Library volunteers")[i % 3],
                    "synthetic": False,
                    "translated": False,
                }
            )
        )
    made = [
        with_hash(
            {
                "id": f"s{i:03d}",
                "text": f"An invented label for lantern {i}, lit on {i + 1} evenings.",
                "source": "written by the generator named in this row",
                "license": "CC0-1.0",
                "created": f"2026-09-{10 + i}",
                "synthetic": True,
                "generator": "tiny-lm 1.0, https://example-models.org/tiny-lm",
                "prompt": f"Write a museum label for lantern {i}.",
                "seed": i,
            }
        )
        for i in range(6)
    ]
    return Twin(
        front={
            "pretty_name": "Harbour lanterns",
            "license": "cc-by-4.0",
            "language": ["en"],
            "version": "1.2.0",
            "openness": "openly licensed",
            "size_categories": ["n<1K"],
            "task_categories": ["text-generation"],
        },
        sections={
            "Summary": "Texts about harbour lanterns from three open collections, and labels made by a small model.",
            "Licence": "The collection as such is under CC-BY-4.0. Each text keeps the licence that its row names, "
            "and nothing is relicensed; works in the public domain stay free of any new condition.",
            "The licence in plain words": "You may copy and change everything as long as you name who wrote it "
            "where its row asks for that.",
            "Openness": "Openly licensed: every part may be used, changed and shared for any purpose.",
            "Intended uses": "Training and testing small models of museum language. It should not be used to "
            "date real lanterns.",
            "Removal": "Write to removal@harbour-lanterns.example.net or open an issue at "
            "https://code.example-archive.org/lanterns/issues; texts are taken out within fourteen days.",
            "Is my work in it?": "The page https://lanterns.example-archive.org/search finds any address or author "
            "name, without an account.",
            "Versions": "Please use the newest version, now 1.2.0; CHANGELOG.md says what changed, and removed texts "
            "are gone from older ones. The same version lies on the archive's site and on the hub.",
            "Code": "Pages were fetched with [scripts/crawl.py](scripts/crawl.py) and filtered with "
            "[scripts/filter.py](scripts/filter.py).",
            "Giving back": "Corrections of spelling and of wrong licences were sent back to the three collections, "
            "and improvements by users are welcome as issues.",
        },
        datasheet={
            "Motivation": "Made to test how well small models learn the language of labels. It is meant for that "
            "purpose and was kept small: fitting texts were preferred over many.",
            "Composition": "24 texts of three sites and 6 synthetic labels, all in British English; other "
            "languages were left out since nobody of us could judge their quality. No text was machine translated.",
            "Why each source was chosen": "harbour-museum.org is the only catalogue of pier lanterns; lamp-makers.net "
            "holds the makers' own words; tidewater-library.info has the oldest printed labels.",
            "Collection process": "All pages listed in the three sites' catalogues were fetched once, by the script "
            "named in the card, with the response headers kept.",
            "Robots and opt-outs": "The robots.txt of each site is kept in robots/ and was respected. The opt-out "
            "lists of Spawning and TDM reservations were checked on 2026-09-01; opt-outs.csv has the record.",
            "Synthetic data": "Labels were made by tiny-lm 1.0 from the prompt in each row, with its seed; prompts "
            "hold no personal data, so no privacy method was needed.",
            "Sensitive data": "Only catalogue texts were fetched: no forums, no profiles, no health or "
            "religious data.",
            "Preprocessing and filters": "Pages under 20 words were dropped because they were menus; exact copies were "
            "dropped because they would be learnt by heart. E-mail addresses and telephone numbers were removed.",
            "What the filters lose": "The length filter removes short labels of poor families more often "
            "than those of shipping companies: 4 of 9 against 1 of 12. No list of forbidden words was used.",
            "Harmful content": "Two readers looked at every text for slurs and violence; none was found.",
            "People who worked on it": "Two paid members of the archive's staff, at the tariff of the public service, "
            "hired by a public call, followed the written guidelines in the repository.",
            "Communities": "The lamp makers' guild and the fishing families' union were asked before "
            "publication, and three texts were left out at their wish.",
            "Uses": "See the card; nothing here says anything about living people.",
            "Distribution": "On the archive's site and on the hub, under the terms of the card. Nobody depicted asked "
            "for gated access, so access is open.",
            "Maintenance": "The archive keeps it for ten years at least and answers removal requests.",
            "Reproducibility and opt-outs": "Removed texts cannot be fetched again, so an older version cannot be rebuilt in "
            "full; hashes of removed texts are kept so that this can at least be checked.",
            "How often licences are wrong": "Of 24 licences that were checked by hand 0 were wrong "
            "(error rate 0.0 %, 95 % interval 0 to 14 %).",
        },
        tables={"data/texts.jsonl": texts, "data/labels.jsonl": made},
        files={
            "LICENSE": "Creative Commons Attribution 4.0 International Public License\n\nBy exercising the Licensed "
            "Rights, you accept and agree to be bound by the terms and conditions of this licence.\n",
            "CHANGELOG.md": "# Changelog\n\n## 1.2.0 (2026-10-01)\n\nThree texts removed.\n\n## 1.1.0\n\nLabels added.\n",
            "scripts/crawl.py": '"""Fetches the catalogues."""\nprint("fetch")\n',
            "scripts/filter.py": '"""Drops menus and copies."""\nprint("filter")\n',
            "robots/www.harbour-museum.org.txt": "User-agent: *\nDisallow: /staff/\n",
            "robots/www.lamp-makers.net.txt": "User-agent: *\nDisallow:\n",
            "robots/www.tidewater-library.info.txt": "User-agent: *\nAllow: /items/\nDisallow: /private/\n",
            "opt-outs.csv": "kind,value,source,checked\nurl,https://www.lamp-makers.net/items/900.html,Spawning,"
            "2026-09-01\ndomain,quiet-pier.org,TDM reservation,2026-09-01\nauthor,Ada Keel,e-mail,2026-09-01\n",
        },
        croissant=described,
    )


def kites() -> Twin:
    """The twin that its authors wrote themselves."""
    rows = [
        with_hash(
            {
                "id": i,
                "text": f"A kite of {3 + i % 4} sails, {i * 7 % 50} metres up, tied with version 1.{i}.2 of the knot.",
                "source": "written for this data set",
                "license": "CC0-1.0",
                "date": f"2026-05-{1 + i % 28:02d}",
            }
        )
        for i in range(12)
    ]
    return Twin(
        front={
            "pretty_name": "Kites",
            "license": "cc0-1.0",
            "language": ["en"],
            "version": "2.0.0",
            "openness": "openly licensed",
        },
        sections={
            "Dataset Description": "Twelve sentences about kites, written by two of the curators.",
            "Direct Use": "To try out loaders; it is far too small to train on.",
            "Out-of-Scope Use": "Anything that is about real kites.",
            "Curation Rationale": "Loaders needed something small whose origin is beyond doubt. We wrote everything "
            "ourselves, the only source, because then every right is ours to give away; twelve fitting sentences were better than "
            "a thousand others.",
            "Data Collection and Processing": "Sentences were typed in by hand and put into the table with "
            "[make.py](make.py). Nothing was crawled. No filter was applied, so that there is no filter bias "
            "and no filter code.",
            "Annotations": "There were no annotators or other data workers besides the two authors.",
            "Personal and Sensitive Information": "None: the sentences speak of no person, and sensitive topics "
            "were kept out from the start.",
            "Bias, Risks, and Limitations": "English only; all sentences were proof-read for harmful content.",
            "Stakeholders": "Nobody is described, so there is no affected community to be asked beyond the "
            "authors, who agreed.",
            "Take-down requests": "Open an issue at https://code.example-archive.org/kites/issues and it is gone in a week.",
            "Search": "Search the one table for your sentence on https://kites.example-archive.org/look-up.",
            "Versioning": "Use the latest version (2.0.0). It is the same on every platform. CHANGELOG.md lists changes.",
            "Reproducing older versions": "A sentence whose author opts out is deleted from all versions, so "
            "reproducibility gives way to opt-outs.",
            "Licence errors": "All 12 licences were checked: error rate 0 of 12 (0 to 24 %).",
            "Contributing": "Improvements by users come back as pull requests and are released under CC0-1.0 too.",
            "Access": "Open; no subject asked for gated access.",
        },
        datasheet={
            "Motivation": "See the curation rationale in the card, which says why it was made and by whom.",
            "Composition": "Twelve rows of one sentence each, with a source, a licence and a date.",
            "Collection": "Typed in by hand by the two authors in the May of 2026.",
            "Preprocessing": "None was done; the sentences are as they were typed in.",
            "Uses": "To try out loaders, as the card says; nothing else is intended.",
            "Distribution": "On the hub, under CC0-1.0, without any further terms.",
            "Maintenance": "By the authors, who answer issues within a week.",
        },
        tables={"kites.csv": rows},
        files={
            "LICENSE": "CC0 1.0 Universal\n\nThe person who associated a work with this deed has dedicated the work to "
            "the public domain.\n",
            "CHANGELOG.md": "# Changelog\n\n## 2.0.0\n\nTwo sentences added.\n",
            "make.py": 'print("a table")\n',
        },
        croissant=described,
    )


def tides() -> Twin:
    """The twin that answers the questions of Gebru et al. one by one; written after the checks were done.

    Its items are pictures in a folder, with a table that keeps metadata in an object.
    """
    rows, files = [], {}
    for i in range(9):
        name = f"images/{i}.svg"
        files[name] = f"<svg xmlns='http://www.w3.org/2000/svg'><circle r='{i + 1}'/></svg>\n"
        rows.append(
            {
                "file_name": name,
                "caption": f"A tide gauge at low water, plate {i + 1} of nine",
                "sha256": hashlib.sha256(files[name].encode()).hexdigest(),
                "metadata": {
                    "source_url": f"https://commons.tide-gauges.org/file/{i}",
                    "license": "https://creativecommons.org/licenses/by-sa/4.0/",
                    "retrieved": f"2026-03-{i + 1:02d}T08:00:00Z",
                    "http_headers": "content-type: image/svg+xml\nserver: quiet",
                    "html_metadata": {"title": f"Plate {i + 1}"},
                },
            }
        )
    return Twin(
        front={
            "pretty_name": "Tide gauges",
            "license": "cc-by-sa-4.0",
            "language": "en-GB",
            "version": "0.3.1",
            "openness": "openly-licensed",
        },
        sections={
            "Usage": "Meant for teaching how to read plates of gauges. Please do not navigate by it.",
            "Which version?": "The latest version is 0.3.1; older ones are kept for comparison only and lack corrections.",
            "Removal requests": "Photographers and their heirs can ask for deletion at https://tide-gauges.org/contact. We answer in a week.",
            "Find your picture": "https://tide-gauges.org/search looks a file up by its address, its hash or its photographer.",
            "In short": "You may do anything with the plates if you name the photographer and share what you make the same way.",
        },
        datasheet={
            "For what purpose was the dataset created?": "To have plates for exercises in reading gauges; nine clear ones serve that purpose better than thousands of blurred ones.",
            "Who created the dataset?": "Two teachers of a school of navigation.",
            "What do the instances that comprise the dataset represent? (composition)": "Drawings of gauges, with captions.",
            "How was the data associated with each instance acquired?": "Every file of one category on Wikimedia-like commons was downloaded with `fetch.py`, together with its headers.",
            "Why was this source selected?": "commons.tide-gauges.org is the only archive in which every plate has a checked licence.",
            "Were robots.txt and opt-outs taken into account?": "Yes: robots.txt was fetched first and is kept. People who opted out by 2026-03-01 are listed in optouts.jsonl.",
            "Does the dataset contain data that might be considered sensitive in any way?": "No. Plates with people on them were avoided.",
            "Was any preprocessing/cleaning/labeling of the data done?": "Yes: plates with a torn edge were removed because their numbers cannot be read. The script is clean.py.",
            "Did the filter remove some groups more often?": "Plates from small harbours are torn more often, so 3 of 5 of them were lost, and none of those of large harbours.",
            "Who was involved in the data collection process and how were they compensated?": "Two teachers on their salary; no crowdworkers. They followed the captioning guidelines of the commons.",
            "Is there anything offensive, insulting or threatening in it?": "No; both teachers looked at all plates.",
            "Were the people concerned consulted?": "The harbour masters' association was consulted in February and agreed.",
            "Has the dataset been used for any tasks already? What other uses are there?": "Lessons. Nothing else is foreseen.",
            "Will the dataset be distributed to third parties?": "It is distributed through the school's site, without registration. No photographer requested gated access.",
            "Who will be supporting/hosting/maintaining the dataset?": "The school, until 2036 at least.",
            "If others want to extend or contribute, is there a mechanism?": "Corrections are sent back to the commons, where everybody has them.",
            "Can results be reproduced after removals?": "Only in part: when somebody opts out, their plate is deleted from older versions too, which then cannot be reproduced.",
            "Are licences correct?": "We looked up all 9 licences by hand; the error rate was 0/9 (0 to 30 %).",
        },
        tables={"metadata.jsonl": rows},
        files={
            **files,
            "LICENSE.txt": "Creative Commons Attribution-ShareAlike 4.0 International\n\nBy exercising the Licensed Rights you accept.\n",
            "CHANGELOG.md": "## [0.3.1] - 2026-04-01\n\n- plate 4 corrected\n\n## [0.3.0]\n\n- first plates\n",
            "fetch.py": "print('fetch')\n",
            "clean.py": "print('clean')\n",
            "robots/commons.tide-gauges.org.txt": "User-agent: *\nCrawl-delay: 5\nDisallow: /talk/\n",
            "optouts.jsonl": '{"url": "https://commons.tide-gauges.org/file/77", "date": "2026-03-01"}\n',
        },
        croissant=described,
    )
