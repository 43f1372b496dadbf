"""The corpus's pictures in one file: what the menagerie's models learnt from, to compare outputs with."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from copycat.errors import UserError
from copycat.io.atomic import temporary_name
from copycat.io.paths import DATA
from copycat.menagerie.corpus import Kind, Sample, draw_all
from copycat.menagerie.world import make_inhabitants

_AT_ONCE = 1000


def write_pictures(
    path: Path, kinds: tuple[Kind, ...], workers: int | None, done: Callable[[int, int], None]
) -> int:
    """Draw the corpus's pictures of `kinds` into the Parquet file `path`; returns how many.

    Columns: `image` (PNG), `character` (the slug, where one is shown), `kind` and `caption`. `done` is told
    how many of how many are drawn. Raises UserError for a file that is no Parquet file.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix != ".parquet":
        raise UserError(f"{path} would hold a Parquet file; call it so: {path.with_suffix('.parquet')}.")
    table = pd.read_parquet(DATA / "menagerie" / "corpus.parquet")
    index = {p.slug: i for i, p in enumerate(make_inhabitants())}
    chosen = [
        (Sample(int(seed), index.get(slug, -1), kind), slug, caption)
        for seed, kind, slug, caption in zip(*(table[c] for c in table.columns), strict=True)
        if kind in kinds
    ]
    schema = pa.schema([(name, pa.binary() if name == "image" else pa.string()) for name in _COLUMNS])
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(temporary_name(path.name))
    with pq.ParquetWriter(beside, schema, compression="none") as writer:
        for i in range(0, len(chosen), _AT_ONCE):
            part = chosen[i : i + _AT_ONCE]
            pixels, _ = draw_all([sample for sample, _, _ in part], workers)
            # Of what only bears a name, or only resembles somebody, the character is not shown.
            who = [slug if sample.kind == "character" else "" for sample, slug, _ in part]
            cells = [
                [_png(p) for p in pixels],
                who,
                [sample.kind for sample, _, _ in part],
                [caption for _, _, caption in part],
            ]
            writer.write_table(pa.table(dict(zip(_COLUMNS, cells, strict=True)), schema=schema))
            done(i + len(part), len(chosen))
    beside.replace(path)
    return len(chosen)


_COLUMNS = ("image", "character", "kind", "caption")


def _png(pixels: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")  # type: ignore[arg-type]  # uint8 (height, width, 3)
    return out.getvalue()
