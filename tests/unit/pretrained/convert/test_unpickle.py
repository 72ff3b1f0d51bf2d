"""Checkpoints of torch are read, and bombs in their shape are not set off."""

from __future__ import annotations

import collections
import io
import os
import pickle
import random
import sys
import time
import types
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from auralflow.errors import CheckpointError
from auralflow.pretrained.convert import named
from auralflow.pretrained.convert.unpickle import Named, load_checkpoint, load_structure

Write = Callable[[Path, bytes], None]
_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001


def write_zip(path: Path, program: bytes, storages: dict[str, bytes] | None = None, **how: Any) -> None:
    """A zip archive as torch writes them, with this pickle in it."""
    with zipfile.ZipFile(path, "w", **how) as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/version", "3\n")
        for key, content in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", content)


def write_old(path: Path, program: bytes) -> None:
    """The format before torch 1.6, with this pickle as the object."""
    parts = (_MAGIC, _VERSION, {"protocol_version": _VERSION, "little_endian": True, "type_sizes": {}})
    head = b"".join(pickle.dumps(part, 2) for part in parts)
    path.write_bytes(head + program + pickle.dumps([], 2))


def write_first(path: Path, program: bytes) -> None:
    """The bomb stands where the magic number should, so that it is reached before anything is checked."""
    path.write_bytes(program)


FORMATS: dict[str, Write] = {"zip": write_zip, "old": write_old, "first": write_first}


class Calls:
    """Pickled as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def _by_hand(module: str, name: str, argument: str) -> bytes:
    return (
        b"\x80\x02" + f"c{module}\n{name}\n".encode() + b"X" + len(argument).to_bytes(4, "little") + argument.encode()
    )


BOMBS: dict[str, Callable[[Path], bytes]] = {
    "os.system": lambda m: pickle.dumps(Calls(os.system, f"touch {m}"), 2),
    "nested": lambda m: pickle.dumps({"state": {"a": [1, (2, Calls(os.system, f"touch {m}"))]}}, 2),
    "protocol 0": lambda m: pickle.dumps(Calls(os.system, f"touch {m}"), 0),
    "protocol 4": lambda m: pickle.dumps(Calls(os.system, f"touch {m}"), 4),
    "protocol 5": lambda m: pickle.dumps(Calls(os.system, f"touch {m}"), 5),
    "eval": lambda m: pickle.dumps(Calls(eval, f"__import__('pathlib').Path({str(m)!r}).touch()"), 2),
    "exec": lambda m: pickle.dumps(Calls(exec, f"open({str(m)!r}, 'w').close()"), 2),
    "posix.system": lambda m: _by_hand("posix", "system", f"touch {m}") + b"\x85R.",
    "instance": lambda m: b"(S" + repr(f"touch {m}").encode() + b"\nios\nsystem\n.",
}


def _build_bomb(marker: Path) -> bytes:
    """An object gets an attribute `__setstate__`, os.system, and then a state."""
    text = f"touch {marker}".encode()
    return (
        b"\x80\x02ctypes\nSimpleNamespace\n)R"  # the object
        b"}X\x0c\0\0\0__setstate__cos\nsystem\nsb"  # BUILD with {"__setstate__": os.system}
        b"X" + len(text).to_bytes(4, "little") + text + b"b."  # BUILD with the command
    )


BOMBS["build"] = _build_bomb


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_bombs_do_not_go_off(bomb: Callable[[Path], bytes], write: Write, tmp_path: Path) -> None:
    marker, path = tmp_path / "it_ran", tmp_path / "model.pt"
    program = bomb(marker)
    pickle.loads(program)
    assert marker.exists(), "this is no bomb"
    marker.unlink()
    write(path, program)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert not marker.exists()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bomb_is_named(tmp_path: Path) -> None:
    torch.save({"state": Calls(os.system, "true")}, tmp_path / "bomb.ckpt")
    with pytest.raises(CheckpointError, match=r"bomb\.ckpt: names '(posix|nt)\.system', which no checkpoint needs"):
        load_checkpoint(tmp_path / "bomb.ckpt")


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02cos\nsystem\nQ.",
        b"\x80\x02X\x06\0\0\0moduleX\x01\0\0\0aX\x01\0\0\0bX\x01\0\0\0c(ttQ.",
        b"\x80\x02(X\x06\0\0\0modulecdemucs.htdemucs\nHTDemucs\nX\x01\0\0\0bX\x01\0\0\0ctQ.",
        b"\x80\x02X\x01\0\0\0aQ.",
        b"Pa\n.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02ctorch._utils\n__builtins__\n.",
        b"\x80\x02cbuiltins\ngetattr\n.",
        b"\x80\x02ctorch.hub\nload\n.",
        b"\x80\x02cnumpy.testing._private.utils\nrunstring\n.",
        b"\x80\x02ctorch\nload\n.",
        b"\x80\x02cdemucs.htdemucs\nHTDemucs\n}b.",
        b"\x80\x02ccollections\nOrderedDict\n}b.",
        b"\x80\x02K\x01)R.",
        b"\x80\x02K\x01}b.",
        b"\x80\x02K\x01K\x02a.",
    ],
)
def test_other_ways_to_code_are_refused(program: bytes, tmp_path: Path) -> None:
    for write in (write_zip, write_old):
        write(tmp_path / "model.pt", program)
        with pytest.raises(CheckpointError):
            load_checkpoint(tmp_path / "model.pt")


def _content() -> dict[str, Any]:
    torch.manual_seed(0)
    base = torch.randn(6, 4)
    floats = {str(d): torch.randn(3, 2).to(d) for d in (torch.float16, torch.bfloat16, torch.float64, torch.complex64)}
    return {
        "state": collections.OrderedDict(
            base=base,
            view=base[1:, ::2].T,
            tied=base[:],
            part=base[2],
            empty=torch.empty(0, 3),
            scalar=torch.tensor(2.5),
        ),
        "integers": [
            torch.arange(5, dtype=d) for d in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
        ],
        "flags": torch.tensor([True, False, True]),
        "parameter": nn.Parameter(torch.randn(2)),
        "module": nn.BatchNorm1d(3).state_dict(),
        "floats": floats,
        "plain": (1, -5, 2**70, 1.5, None, True, "täxt", b"bytes", (), [], {}, {1: (2,)}, {"a", "b"}),
        "fraction": Fraction(39, 5),
        "size": torch.Size([2, 3]),
        "type": torch.float32,
        "numpy": (np.float64(0.25), np.int32(7), np.arange(6, dtype=np.float32).reshape(2, 3)),
        "counter": collections.Counter("aab"),
        "default": collections.defaultdict(list, {"a": [1]}),
    }


def _assert_same(got: Any, expected: Any) -> None:
    if isinstance(expected, torch.Tensor):
        assert (type(got), got.dtype, got.is_contiguous()) == (torch.Tensor, expected.dtype, True)
        assert torch.equal(got, expected)
    elif isinstance(expected, np.ndarray):
        np.testing.assert_array_equal(got, expected)
    elif isinstance(expected, dict):
        assert type(got) is dict
        assert list(got) == list(expected)
        for key in expected:
            _assert_same(got[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert type(got) is (list if isinstance(expected, list) else tuple)
        for one, other in zip(got, expected, strict=True):
            _assert_same(one, other)
    else:
        assert got == expected


@pytest.mark.parametrize("is_zip", [True, False])
def test_reads_what_torch_writes(is_zip: bool, tmp_path: Path) -> None:
    content, path = _content(), tmp_path / "model.pt"
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    got = load_checkpoint(path)
    _assert_same(got, content)
    assert got["state"]["tied"].data_ptr() != got["state"]["base"].data_ptr()
    structure = load_structure(path)
    assert structure["state"]["view"].device.type == "meta"
    assert {k: v.shape for k, v in structure["state"].items()} == {k: v.shape for k, v in content["state"].items()}


@pytest.fixture
def other_packages(monkeypatch: pytest.MonkeyPatch) -> dict[str, type]:
    """Classes of other packages, in place of their own where those are installed."""
    mapping = type("AttributeDict", (dict,), {})
    plain = type("HTDemucs", (), {})
    homes = {"demucs.htdemucs": plain, "lightning.fabric.utilities.data": mapping}
    for home, of_home in homes.items():
        of_home.__module__ = home
        parts = home.split(".")
        for n_parts in range(1, len(parts) + 1):
            name = ".".join(parts[:n_parts])
            if name not in sys.modules:
                monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        monkeypatch.setattr(sys.modules[home], of_home.__name__, of_home, raising=False)
    return {of_home.__name__: of_home for of_home in homes.values()}


def test_classes_of_other_packages_become_inert(other_packages: dict[str, type], tmp_path: Path) -> None:
    thing = other_packages["HTDemucs"]()
    thing.depth = 4
    settings = other_packages["AttributeDict"](lr=0.5)
    package = {"klass": other_packages["HTDemucs"], "kwargs": {"segment": Fraction(39, 5)}, "it": thing, "is": settings}
    torch.save(package, tmp_path / "model.th")
    got = load_checkpoint(tmp_path / "model.th")
    assert got["klass"] == Named("demucs.htdemucs", "HTDemucs")
    assert got["kwargs"] == {"segment": Fraction(39, 5)}
    assert (got["it"].arguments, got["it"].state) == ((), {"depth": 4})
    assert got["is"].items == {"lr": 0.5}
    assert repr(got["klass"]) == "<demucs.htdemucs.HTDemucs>"
    assert len({got["klass"], got["it"]}) == 1


def _storage_program(n_values: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> bytes:
    """The pickle of one float tensor, with sizes as told."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing: Any) -> Any:
            return ("storage", torch.FloatStorage, "0", "cpu", n_values) if thing is marker else None

    marker, stream = object(), io.BytesIO()
    arguments = (marker, offset, shape, strides, False, collections.OrderedDict())
    Pickler(stream, 2).dump(Calls(torch._utils._rebuild_tensor_v2, *arguments))  # type: ignore[attr-defined]
    return stream.getvalue()


@pytest.mark.parametrize(
    ("n_values", "shape", "strides", "offset", "words"),
    [
        (1 << 50, (1 << 50,), (1,), 0, "values of torch.float32"),
        (4, (1 << 50,), (0,), 0, "where 4 values are stored"),
        (4, (5,), (1,), 0, "where 4 values are stored"),
        (4, (2,), (1,), 3, "where 4 values are stored"),
        (4, (2, 2), (3, 1), 0, "where 4 values are stored"),
        (4, (2,), (-1,), 1, "no whole numbers"),
        (4, (-2,), (1,), 0, "no whole numbers"),
        (4, (2, 2), (1,), 0, "do not belong together"),
        (3, (3,), (1,), 0, "16 bytes are stored"),
    ],
)
def test_no_tensor_reaches_outside_its_storage(
    n_values: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, words: str, tmp_path: Path
) -> None:
    write_zip(tmp_path / "m.pt", _storage_program(n_values, shape, strides, offset), {"0": bytes(16)})
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(tmp_path / "m.pt")


def test_a_view_inside_is_read(tmp_path: Path) -> None:
    values = np.arange(4, dtype="<f4").tobytes()
    write_zip(tmp_path / "m.pt", _storage_program(4, (2, 1), (2, 7), 1), {"0": values})
    assert torch.equal(load_checkpoint(tmp_path / "m.pt"), torch.tensor([[1.0], [3.0]]))


def test_a_small_old_file_cannot_ask_for_memory(tmp_path: Path) -> None:
    write_old(tmp_path / "m.pt", _storage_program(1 << 45, (4,), (1,)))
    with pytest.raises(CheckpointError, match="in a file of"):
        load_checkpoint(tmp_path / "m.pt")


def test_many_views_of_one_storage_are_too_many(tmp_path: Path) -> None:
    row = torch.zeros(1 << 18)
    torch.save([row.view(1, -1) for _ in range(100)], tmp_path / "m.pt")
    with pytest.raises(CheckpointError, match="many times as large"):
        load_checkpoint(tmp_path / "m.pt")


def test_a_text_cannot_be_copied_without_end(tmp_path: Path) -> None:
    """A long text stands once in the file, and is encoded again and again."""
    text = pickle.dumps("a" * 1_000_000, 2)[2:-1]  # ends with the opcode that puts it into the memo, at 0
    again = b"c_codecs\nencode\nh\x00X\x06\0\0\0latin1\x86R"
    write_zip(tmp_path / "m.pt", b"\x80\x02" + text + 200 * again + b".")
    with pytest.raises(CheckpointError, match="many times as large"):
        load_checkpoint(tmp_path / "m.pt")


def _doubled(n_levels: int) -> Any:
    value: Any = ()
    for _ in range(n_levels):
        value = (value, value)
    return value


def _in_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize("make", [lambda: {"a": [_doubled(60)]}, _in_itself], ids=["doubled", "in itself"])
def test_endless_containers_are_refused_at_once(
    make: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named, "_MAX_VALUES", 100_000)
    write_zip(tmp_path / "m.pt", pickle.dumps(make(), 2))
    start = time.monotonic()
    with pytest.raises(CheckpointError, match="without end"):
        load_checkpoint(tmp_path / "m.pt")
    assert time.monotonic() - start < 20


def test_endless_keys_are_refused_at_once(tmp_path: Path) -> None:
    # Hashing this tuple as a key takes 2^60 steps; the pickle of a dictionary with it is put together by hand.
    program = pickle.dumps(_doubled(60), 2)[:-1]
    write_zip(tmp_path / "m.pt", b"\x80\x02}" + program[2:] + b"K\x01s.")
    with pytest.raises(CheckpointError, match="no plain value"):
        load_checkpoint(tmp_path / "m.pt")


@pytest.mark.parametrize("text", ["1e999999999", "1/0", "nan", "9" * 100, "1.5"])
def test_fractions_are_fractions(text: str, tmp_path: Path) -> None:
    write_zip(tmp_path / "m.pt", pickle.dumps(Calls(Fraction, text), 2))
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "m.pt")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: torch.eye(3).to_sparse(), "_rebuild_sparse_tensor"),
        (lambda: torch.empty(3, device="meta"), "_rebuild_meta_tensor_no_storage"),
        (lambda: torch.zeros(3, dtype=torch.uint16), "_rebuild_tensor_v3"),
        (lambda: torch.tensor([1 + 2j]).conj(), "properties of its own"),
        (lambda: nn.Linear(1, 1), r"torch\.nn\.modules"),
    ],
)
def test_other_tensors_are_refused_by_name(make: Callable[[], Any], words: str, tmp_path: Path) -> None:
    torch.save({"state": make()}, tmp_path / "m.pt")
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(tmp_path / "m.pt")


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "m.pt", pickle.dumps("a" * 10_000_000, 2), compression=zipfile.ZIP_DEFLATED)
    assert (tmp_path / "m.pt").stat().st_size < 100_000
    with pytest.raises(CheckpointError, match="compressed"):
        load_checkpoint(tmp_path / "m.pt")


def test_code_of_torchscript_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", pickle.dumps({}, 2))
        archive.writestr("m/code/__torch__.py", "")
    with pytest.raises(CheckpointError, match="TorchScript"):
        load_checkpoint(tmp_path / "m.pt")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n<!DOCTYPE html><html><head><title>404</title></head></html>", "web page"),
        (b"<html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "LFS"),
        (b"\x89PNG\r\n", "begins"),
        (pickle.dumps({"a": 1}, 2), "not a checkpoint of torch"),
        (pickle.dumps([1], 4), "not a checkpoint of torch|damaged"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (b"\x80\x02", "damaged"),
    ],
)
def test_what_is_no_checkpoint_is_said(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=words) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(CheckpointError, match="cannot be read"):
            load_checkpoint(path)


@pytest.fixture(params=[True, False], ids=["zip", "old"])
def small_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "small.pt"
    torch.manual_seed(0)
    content = {"state": {"a": torch.randn(3), "b": torch.ones(2, dtype=torch.int64)}, "epoch": np.float32(1)}
    torch.save(content, path, _use_new_zipfile_serialization=request.param)
    return path


def test_truncated_anywhere_is_refused(small_file: Path, tmp_path: Path) -> None:
    content, path = small_file.read_bytes(), tmp_path / "cut.pt"
    for n_bytes in range(0, len(content), 13):
        path.write_bytes(content[:n_bytes])
        with pytest.raises(CheckpointError):
            load_checkpoint(path)


def test_damaged_anywhere_is_read_or_refused(small_file: Path, tmp_path: Path) -> None:
    content, path, draw = small_file.read_bytes(), tmp_path / "damaged.pt", random.Random(0)
    n_refused = 0
    for _ in range(200):
        damaged = bytearray(content)
        for _ in range(draw.randint(1, 4)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(bytes(damaged))
        try:
            load_checkpoint(path)
        except CheckpointError:
            n_refused += 1
    assert n_refused > 25
