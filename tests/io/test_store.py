"""The store: entries that are whole and true, or not there."""

from __future__ import annotations

from pathlib import Path

from copycat.io.store import Store, key_of


def test_what_was_put_is_got(tmp_path: Path) -> None:
    store, key = Store(tmp_path), key_of({"a": [1, "ü"]})
    assert store.get(key) is None
    store.put(key, b"\x89PNG\n\nrest", said="ü\u2028", n=None)
    kept = store.get(key)
    assert kept is not None
    assert (kept.content, kept.told) == (b"\x89PNG\n\nrest", {"said": "ü\u2028", "n": None})
    assert [p.name for p in store.files()] == [key]


def test_keys_follow_from_all_of_the_payload_and_not_from_its_order() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert len({key_of(x) for x in ({"a": 1}, {"a": "1"}, {"a": 1, "b": None}, {"a": 1.5}, {"b": 1})}) == 5


def test_a_file_that_was_changed_cut_off_or_moved_is_not_believed_and_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number, harm in enumerate(
        (
            lambda b: b[:-1] + b"x",
            lambda b: b[:-3],
            lambda b: b.replace(b'"said": 1', b'"said": 2'),
            lambda b: b"",
            lambda b: b"[1]\n",
            lambda b: b"{}\n" + b,
        )
    ):
        key = key_of(number)
        store.put(key, b"content", said=1)
        (file,) = store.files()
        file.write_bytes(harm(file.read_bytes()))
        assert store.get(key) is None
        assert not file.exists()
    store.put(key_of("a"), b"content")
    (file,) = store.files()
    other = tmp_path / key_of("b")[:2] / key_of("b")
    other.parent.mkdir(exist_ok=True)
    file.rename(other)
    assert store.get(key_of("b")) is None
