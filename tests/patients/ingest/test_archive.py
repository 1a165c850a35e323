import io
import struct
from pathlib import Path
from zipfile import ZIP_LZMA, ZipFile

import pytest

from patients.domain.errors import InputError
from patients.ingest.common import archive
from patients.ingest.common.archive import members, sample
from tests.patients.ingest.builders import write_zip


def test_members_of_a_folder_are_sorted_and_of_one_kind(tmp_path: Path) -> None:
    for name in ("b.json", "a.JSON", "c.txt", "._a.json"):
        (tmp_path / name).write_text("[]")
    with members(tmp_path, ".json") as files:
        assert [f.name for f in files] == ["a.JSON", "b.json"]


def test_members_of_a_zip_are_read_in_place(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"../../deep/a.json": "[1]", "b.xml": "<b/>"})
    with members(path, ".json") as files:
        assert [(f.name, f.basename, f.head()) for f in files] == [
            ("../../deep/a.json", "a.json", b"[1]")
        ]
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["x.zip"]


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught, members(path, ".json") as files:
        for file in files:
            with file.open() as stream:
                stream.read()
    return str(caught.value)


def test_a_zip_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "bomb.zip", {"a.json": b"\0" * 20_000_000})
    assert "bomb.zip would unpack to 20,000,000 bytes" in refused(path)


def test_a_zip_bomb_beside_what_is_read_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "bomb.zip", {"a.json": "[]", "b.bin": b"\0" * 20_000_000})
    assert "would unpack" in refused(path)


def test_a_zip_is_refused_by_its_total(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "x.zip", {f"{i}.json": bytes(range(256)) * 8 for i in range(4)})
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 8_000)
    assert "would unpack to 8,192 bytes" in refused(path)


def test_a_bomb_that_hides_its_size_is_not_read_beyond_it(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "bomb.zip", {"a.json": b"\0" * 20_000_000})
    raw = path.read_bytes().replace(struct.pack("<I", 20_000_000), struct.pack("<I", 1000))
    path.write_bytes(raw)
    assert "damaged" in refused(path)


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.json": "[1, 2, 3, 4, 5, 6]"})
    raw = bytearray(path.read_bytes())
    raw[40] ^= 0xFF
    path.write_bytes(raw)
    assert refused(path) == "x.zip is a damaged zip archive; export it again."


def test_folders_and_an_entry_without_a_name_are_passed_over(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"q": "1", "in/": "", "in/b": "2"})
    path.write_bytes(path.read_bytes().replace(b"q", b"\0"))  # a name ends at a zero byte
    with members(path, "") as files:
        assert [file.name for file in files] == ["in/b"]


def test_a_zip_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.json": "[1]"})
    path.write_bytes(path.read_bytes()[:-30])
    assert "cut off" in refused(path)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    path = write_zip(tmp_path / "x.zip", {f"{i}.json": "[]" for i in range(3)})
    assert "holds 3 files" in refused(path)
    for i in range(3):
        (tmp_path / f"{i}.json").write_text("[]")
    assert "files" in refused(tmp_path)


def test_unusual_packing_and_encryption_are_refused(tmp_path: Path) -> None:
    lzma, secret = tmp_path / "lzma.zip", io.BytesIO()
    with ZipFile(lzma, "w", ZIP_LZMA) as made:
        made.writestr("a.json", "[1]")
    assert "unusual" in refused(lzma)
    with ZipFile(secret, "w") as made:
        made.writestr("a.json", "[1]")
        made.filelist[0].flag_bits |= 1
    (tmp_path / "secret.zip").write_bytes(secret.getvalue())
    assert "encrypted" in refused(tmp_path / "secret.zip")


def test_of_very_many_files_some_are_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_HEADS", 4)
    for count, shown in ((0, ""), (4, "0123"), (9, "036"), (10, "0369")):
        path = write_zip(tmp_path / "a.zip", {f"{i}.json": "[]" for i in range(count)})
        with members(path, ".json") as files:
            assert "".join(file.name[0] for file in sample(files)) == shown
