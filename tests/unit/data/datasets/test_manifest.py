"""Manifests: both tables and JSON lines say the same, and every slip is named with its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from auralflow.data.datasets.manifest import Manifest
from auralflow.errors import AudioError, ConfigError

WIDE = """name,split,mixture,vocals,drums
Nina - "Song",train,,a.wav,deep/b.wav
Ärger,test,c.wav,a.wav,
"""
WIDE = WIDE.replace('Nina - "Song"', '"Nina - ""Song"""')
LONG = '''name,split,stem,path
Ärger,test,vocals,a.wav
"Nina - ""Song""",train,vocals,a.wav
Ärger,test,Mix,c.wav
"Nina - ""Song""",train,Drums,deep/b.wav
'''
LINES = """{"name": "Nina - \\"Song\\"", "split": "train", "stems": {"vocals": "a.wav", "drums": "deep/b.wav"}}

{"name": "Ärger", "split": "test", "stems": {"vocals": "a.wav"}, "mixture": "c.wav"}
"""


@pytest.fixture
def folder(tmp_path: Path, write_wav: Callable[..., Path]) -> Path:
    for name, seconds in (("a.wav", 0.01), ("deep/b.wav", 0.02), ("c.wav", 0.03)):
        write_wav(tmp_path / name, seconds=seconds)
    return tmp_path


def save(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wide.csv", WIDE),
        ("long.CSV", LONG),
        ("lines.jsonl", LINES),
        ("dos.csv", WIDE.replace("\n", "\r\n")),
        ("excel.csv", "\ufeff" + WIDE),
        ("spaces.csv", WIDE.replace(",", ",  ").replace("name", "Name")),
        ("blank.csv", WIDE.replace("\n", "\n,,,,\n\n")),
    ],
)
def test_all_forms_say_the_same(folder: Path, name: str, text: str) -> None:
    by_split = Manifest(save(folder, name, text)).list_tracks()
    assert list(by_split) == ["train", "test"]
    (train,), (test,) = by_split["train"], by_split["test"]
    assert (train.name, test.name) == ('Nina - "Song"', "Ärger")
    assert {name: sound.path for name, sound in train.stems.items()} == {
        "vocals": folder / "a.wav",
        "drums": folder / "deep/b.wav",
    }
    assert (list(test.stems), train.mixture) == (["vocals"], None)
    assert test.mixture is not None
    assert test.mixture.path == folder / "c.wav"
    assert test.mixture.n_samples == 1323


def test_without_splits_and_sorted_by_name(folder: Path) -> None:
    path = save(folder, "m.csv", "name,vocals\nb,a.wav\nc,a.wav\na,deep/b.wav\n")
    assert [track.name for track in Manifest(path).list_tracks()["unsplit"]] == ["a", "b", "c"]


def test_absolute_paths(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    line = json.dumps({"name": "song", "stems": {"vocals": str(folder / "a.wav")}})
    path = save(tmp_path_factory.mktemp("elsewhere"), "m.jsonl", line)
    (track,) = Manifest(path).list_tracks()["unsplit"]
    assert track.stems["vocals"].path == folder / "a.wav"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nam,vocals\n", r"m\.csv:1: expected a column 'name'; did you mean it by 'nam'"),
        ("", r"m\.csv:1: expected a column 'name', got nothing"),
        ("name,spilt,vocals\n", r"m\.csv:1: unknown column 'spilt', did you mean 'split'"),
        ("name,vocals,mixtures\n", r"unknown column 'mixtures', did you mean 'mixture'"),
        ("name,vocals,\n", r"m\.csv:1: unknown column ''"),
        ("name,vocals,Vocals\n", r"m\.csv:1: expected different columns, got 'vocals' twice"),
        ("name,mix,mixture,vocals\n", r"m\.csv:1: expected different columns, got 'mixture' twice"),
        ("name,stem,path,splt\n", r"m\.csv:1: unknown column 'splt': did you mean 'split'"),
        ("name,stem,vocals\n", r"unknown column 'vocals': Known: name, split, stem, path"),
        ("name,stem\n", r"m\.csv:1: expected a column 'path'"),
        ("name,vocals\na,a.wav\nb\n", r"m\.csv:3: expected 2 cells \(name, vocals\), got 1"),
        ("name,vocals\na,a.wav,c.wav\n", r"m\.csv:2: expected 2 cells"),
        ("name,vocals\n,a.wav\n", r"m\.csv:2: name: expected the name of a song, got ''"),
        ("name,vocals\na,a.wav\nb,a.wav\na,c.wav\n", r"m\.csv:4: expected a new name, 'a' stands in line 2 too"),
        ("name,vocals\na,\n", r"m\.csv:2: expected a stem of 'a', got none"),
        ("name,mixture\na,c.wav\n", r"m\.csv:2: expected a stem of 'a', got none"),
        (
            "name,split,vocals\na,trian,a.wav\n",
            r"m\.csv:2: split: expected one of .*, got 'trian'; did you mean 'train'",
        ),
        ("name,split,vocals\na,Test,a.wav\n", r"got 'Test'; did you mean 'test'"),
        ('name,vocals\na,"a.wav\n', r"m\.csv:2: not readable as CSV"),
        ("name,stem,path\na,vocals,a.wav\na,Vocals,c.wav\n", r"m\.csv:3: 'a' has its vocals in line 2 already"),
        ("name,stem,path\na,,a.wav\n", r"m\.csv:2: expected a stem and a path, got '' and 'a\.wav'"),
        (
            "name,split,stem,path\na,train,vocals,a.wav\nb,,vocals,a.wav\na,test,drums,c.wav\n",
            r"m\.csv:4: expected 'a' in one split, got test here and train in line 2",
        ),
    ],
)
def test_slips_in_a_table_are_named(folder: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Manifest(save(folder, "m.csv", text)).list_tracks()
    assert "\n" not in str(caught.value)


GOOD = '{"name": "good", "stems": {"vocals": "a.wav"}}\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"m\.jsonl:2: not readable as JSON"),
        ("[1]", r"m\.jsonl:2: expected an object with name, split, stems, mixture, got \[1\]"),
        ('{"name": "a", "stem": {}}', r"m\.jsonl:2: unknown key 'stem': did you mean 'stems'"),
        ('{"name": "a"}', r"m\.jsonl:2: expected 'stems' to be an object of stems and paths, got None"),
        ('{"name": "a", "stems": ["b.wav"]}', r"expected 'stems' to be an object"),
        ('{"name": "a", "stems": {}}', r"m\.jsonl:2: expected a stem of 'a', got none"),
        ('{"name": "a", "stems": {"vocals": 3}}', r"m\.jsonl:2: vocals: expected a path, got 3"),
        ('{"name": "a", "stems": {"vocals": " "}}', r"vocals: expected a path, got ' '"),
        ('{"name": "a", "stems": {"vocals": "a.wav"}, "mixture": 1}', r"mixture: expected a path, got 1"),
        ('{"name": "a", "stems": {"mix": "a.wav"}}', r"expected stems of different names, none of them the mixture"),
        ('{"name": "a", "stems": {"x": "a.wav", "X": "a.wav"}}', r"expected stems of different names"),
        ('{"name": 7, "stems": {"vocals": "a.wav"}}', r"m\.jsonl:2: name: expected the name of a song, got 7"),
        ('{"name": "a", "split": ["train"], "stems": {"vocals": "a.wav"}}', r"split: expected one of"),
        ('{"name": "good", "stems": {"vocals": "a.wav"}}', r"m\.jsonl:2: expected a new name, 'good' stands in line 1"),
    ],
)
def test_slips_in_json_lines_are_named(folder: Path, line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Manifest(save(folder, "m.jsonl", GOOD + line)).list_tracks()


def test_files_that_are_missing_or_no_audio_are_named_with_their_line(folder: Path) -> None:
    path = save(folder, "m.csv", "name,stem,path\na,vocals,a.wav\nb,vocals,a.wav\na,drums,gone.wav\n")
    with pytest.raises(AudioError, match=r"m\.csv:4: drums: \S+gone\.wav: no such file; paths are relative"):
        Manifest(path).list_tracks()
    (folder / "gone.wav").write_bytes(b"")
    with pytest.raises(AudioError, match=r"m\.csv:4: drums: \S+gone\.wav: the file is empty"):
        Manifest(path).list_tracks()


@pytest.mark.parametrize("path", ["a\0b.wav", "x" * 5000, "."])
def test_paths_that_no_file_can_have(folder: Path, path: str) -> None:
    line = json.dumps({"name": "a", "stems": {"vocals": path}})
    with pytest.raises(AudioError, match=r"m\.jsonl:1: vocals: .*no such file"):
        Manifest(save(folder, "m.jsonl", line)).list_tracks()


def test_other_encodings_and_other_files(folder: Path) -> None:
    with pytest.raises(ConfigError, match="expected text in UTF-8"):
        Manifest(save(folder, "m.csv", WIDE, "latin-1")).list_tracks()
    with pytest.raises(ConfigError, match=r"expected a manifest, a file that ends in \.csv or \.jsonl"):
        Manifest(folder).list_tracks()
    with pytest.raises(ConfigError, match=r"gone\.csv: cannot be opened: No such file"):
        Manifest(folder / "gone.csv").list_tracks()
    with pytest.raises(AudioError, match="found none"):
        Manifest(save(folder, "empty.jsonl", "\n\n")).list_tracks()


def test_a_line_separator_inside_json_is_no_end_of_line(folder: Path) -> None:
    path = save(folder, "m.jsonl", '{"name": "a\u2028b", "stems": {"vocals": "a.wav"}}')
    assert Manifest(path).list_tracks()["unsplit"][0].name == "a\u2028b"
