"""Packed cells are read without unpickling anything, whatever is in them."""

import base64
import json
import os
import pickle
import struct
import time
import zlib
from typing import Any

import pytest

from rewards.errors import DatasetError
from rewards.problems import read_problem
from rewards.problems.packed import MAX_UNPACKED_BYTES, unpacked_text

CASES = json.dumps([{"input": "1\n", "output": "2\n", "testtype": "stdin"}])


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


class _Run:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/unpickled",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("text", [CASES, "", "ä\U0001f680\n\\u0041" * 1000], ids=["cases", "empty", "long"])
def test_a_text_of_any_protocol_is_read(protocol: int, text: str) -> None:
    assert unpacked_text(packed(pickle.dumps(text, protocol)), "cell") == text


def test_json_stands_for_itself() -> None:
    assert unpacked_text(CASES, "cell") == CASES


MEMO_BOMB = b"\x80\x02X\x01\x00\x00\x00ar\xff\xff\xff\x7f."
DOUBLING = b"\x80\x02]" + b"".join(b"q%c(h%ch%cel" % (i, i, i) for i in range(60)) + b"."
HOSTILE: list[Any] = [
    pytest.param(packed(pickle.dumps(_Run())), "more than a text", id="a call of os.system"),
    pytest.param(packed(pickle.dumps(os.system)), "more than a text", id="a global"),
    pytest.param(packed(b"cos\nsystem\n(S'id'\ntR."), "more than a text", id="a global of protocol 0"),
    pytest.param(packed(b"\x80\x04\x8c\x01a\x82\x01."), "more than a text", id="an extension"),
    pytest.param(packed(pickle.dumps([CASES])), "more than a text", id="a list"),
    pytest.param(packed(pickle.dumps(CASES.encode())), "more than a text", id="bytes"),
    pytest.param(packed(b"(" * 100_000 + b"l" * 100_000 + b"."), "more than a text", id="deep nesting"),
    pytest.param(packed(DOUBLING), "more than a text", id="a list that doubles"),
    pytest.param(packed(b"\x80\x02X\x01\x00\x00\x00aX\x01\x00\x00\x00b."), "more than a text", id="two texts"),
    pytest.param(packed(b"."), "0 texts", id="nothing"),
    pytest.param(packed(b""), "not the pickle", id="no operation"),
    pytest.param(packed(b"\x80\x02X\xff\xff\xff\x7fab."), "not the pickle", id="a length that lies"),
    pytest.param(packed(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"a."), "not the pickle", id="a huge length"),
    pytest.param(packed(b"\x80\x02X\x01\x00\x00\x00\xff."), "not the pickle", id="no UTF-8"),
    pytest.param(packed(pickle.dumps(CASES)[:-1]), "not the pickle", id="cut off"),
    pytest.param(packed(b"\xee\xee"), "not the pickle", id="no pickle"),
    pytest.param(base64.b64encode(zlib.compress(CASES.encode())[:-8]).decode(), "cut off", id="half a stream"),
    pytest.param(base64.b64encode(b"no stream").decode(), "cannot be decompressed", id="no stream"),
    pytest.param("eJx!", "neither JSON nor base64", id="no base64"),
    pytest.param("\ud800", "neither JSON nor base64", id="half a surrogate"),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "said"), HOSTILE)
def test_anything_else_is_refused_in_little_time(cell: str, said: str) -> None:
    start = time.process_time()
    with pytest.raises(DatasetError) as caught:
        read_problem({"private_test_cases": cell})
    assert said in str(caught.value)
    assert time.process_time() - start < 10
    assert not os.path.exists("/tmp/unpickled")


def test_a_zip_bomb_is_refused() -> None:
    stream = zlib.compressobj(9)
    mega = bytes(1 << 20)
    bomb = b"".join(stream.compress(mega) for _ in range((MAX_UNPACKED_BYTES >> 20) + 1)) + stream.flush()
    assert len(bomb) < 1 << 19
    with pytest.raises(DatasetError, match="more than 256 MB when decompressed"):
        unpacked_text(base64.b64encode(bomb).decode(), "cell")


def test_notes_of_any_number_take_no_memory() -> None:
    """Python's own unpickler makes room for two thousand million notes here."""
    assert unpacked_text(packed(MEMO_BOMB), "cell") == "a"


def test_nested_json_in_a_packed_text_is_refused() -> None:
    with pytest.raises(DatasetError):
        read_problem({"private_test_cases": packed(pickle.dumps("[" * 100_000))})
