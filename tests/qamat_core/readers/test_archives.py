"""Archives: members one after the other, names and kinds that are refused, bounds, damage; nothing on the disk."""

import bz2
import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from qamat_core.readers.accounting import read_all
from qamat_core.readers.archives import open_members
from qamat_core.readers.formats import open_corpus, open_passages
from qamat_core.readers.streams import Bounds
from schemas.errors import InputError
from schemas.records import Passage, Reject
from tests.qamat_core.readers.dumps import SEINE, dump, page

JSONL = b'{"id": "1", "title": "Rome", "text": "Old."}\n'
TAR = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tbz2": "w:bz2"}
Entry = tuple[str, bytes] | tuple[str, bytes, bytes]
"""Name, content, and the type of a tar's member."""


def pack(path: Path, *entries: Entry) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content, *_ in entries:
                archive.writestr(name, content)
        return path
    ending = next(ending for ending in TAR if path.name.endswith(ending))
    with tarfile.open(path, TAR[ending]) as archive:
        for name, content, *kind in entries:
            info = tarfile.TarInfo(name)
            info.type, info.size = (kind or [tarfile.REGTYPE])[0], len(content)
            info.linkname = "/etc/passwd" if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            archive.addfile(info, io.BytesIO(content))
    return path


def members(path: Path, bounds: Bounds | None = None) -> tuple[list[tuple[str, bytes]], list[Reject]]:
    refused: list[Reject] = []
    found = open_members(path, refused.append, bounds or Bounds())
    return [(name, stream.read()) for name, stream in found], refused


@pytest.mark.parametrize("ending", [*TAR, ".zip"])
def test_members_come_in_order_unpacked(tmp_path: Path, ending: str) -> None:
    entries = [("x/a.jsonl", JSONL * 3000), ("b.gz", gzip.compress(b"b")), ("c.bz2", bz2.compress(b"c")), ("d", b"")]
    found, refused = members(pack(tmp_path / f"a{ending}", *entries))
    assert found == [("x/a.jsonl", JSONL * 3000), ("b.gz", b"b"), ("c.bz2", b"c"), ("d", b"")]
    assert refused == []
    assert [path.name for path in tmp_path.iterdir()] == [f"a{ending}"]


@pytest.mark.parametrize(("ending", "packed"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)])
def test_a_plain_file_is_the_one_member_of_its_own_name(
    tmp_path: Path, ending: str, packed: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"a.jsonl{ending}"
    path.write_bytes(packed(JSONL))
    assert members(path) == ([(path.name, JSONL)], [])


@pytest.mark.parametrize("ending", [*TAR, ".zip"])
def test_a_member_that_is_not_read_to_its_end_is_passed_over(tmp_path: Path, ending: str) -> None:
    path = pack(tmp_path / f"a{ending}", ("a", JSONL * 9000), ("b", b"b"))
    assert [(name, stream.read(1)) for name, stream in open_members(path)] == [("a", b"{"), ("b", b"b")]


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".zip"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../up.jsonl", "the member's name leaves the archive"),
        ("a/../../up.jsonl", "the member's name leaves the archive"),
        ("a\\..\\up.jsonl", "the member's name leaves the archive"),
        ("/etc/passwd", "the member's name is absolute"),
        ("C:/up.jsonl", "the member's name is absolute"),
    ],
)
def test_a_name_that_leaves_the_archive_is_one_reject(tmp_path: Path, ending: str, name: str, reason: str) -> None:
    path = pack(tmp_path / f"a{ending}", ("a.jsonl", JSONL), (name, b"x"), ("b.jsonl", JSONL.replace(b"1", b"2")))
    first, refused, last = open_passages(path)
    assert isinstance(first, Passage)
    assert isinstance(last, Passage)
    assert isinstance(refused, Reject)
    assert refused.reason == reason
    assert refused.source.startswith(f"a{ending}/")
    assert not (tmp_path.parent / "up.jsonl").exists()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, "the member is a link"),
        (tarfile.LNKTYPE, "the member is a link"),
        (tarfile.CHRTYPE, "the member is no plain file"),
        (tarfile.FIFOTYPE, "the member is no plain file"),
    ],
)
def test_links_and_devices_are_rejects_and_folders_nothing(tmp_path: Path, kind: bytes, reason: str) -> None:
    path = pack(tmp_path / "a.tar", ("d", b"", tarfile.DIRTYPE), ("l", b"", kind), ("a.jsonl", JSONL))
    assert members(path) == ([("a.jsonl", JSONL)], [Reject("a.tar/l", "l", reason)])


def test_links_and_encrypted_members_of_a_zip_are_rejects(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("secret", "x")
        archive.mkdir("folder")
    raw = bytearray(path.read_bytes())
    raw[raw.rindex(b"PK\x01\x02", 0, raw.rindex(b"secret")) + 8] |= 1
    path.write_bytes(raw)
    found, refused = members(path)
    assert found == []
    assert [reject.reason for reject in refused] == ["the member is a link", "the member is encrypted"]


def test_a_refused_member_is_an_error_where_nobody_takes_rejects(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.tar/\.\./x: the member's name leaves the archive"):
        list(open_members(pack(tmp_path / "a.tar", ("../x", b""))))


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".zip"])
def test_too_many_members_are_refused(tmp_path: Path, ending: str) -> None:
    path = pack(tmp_path / f"a{ending}", *[(f"m{n}", b"") for n in range(4)])
    assert len(members(path, Bounds(members=4))[0]) == 4
    with pytest.raises(InputError, match="more than 3 members: split the archive"):
        members(path, Bounds(members=3))


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.bz2", ".zip"])
def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, ending: str) -> None:
    path = pack(tmp_path / f"a{ending}", ("zeros", b"\0" * 5_000_000))
    with pytest.raises(InputError, match="too many for its size"):
        members(path, Bounds(free_bytes=1000))
    with pytest.raises(InputError, match="unpacks to more than 4000000 bytes"):
        members(path, Bounds(unpacked_bytes=4_000_000))


def test_a_packed_bomb_and_a_bomb_in_a_tar_are_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 5_000_000)
    plain = tmp_path / "a.jsonl.gz"
    plain.write_bytes(bomb)
    for path in (plain, pack(tmp_path / "b.tar", ("a.jsonl.gz", bomb))):
        with pytest.raises(InputError, match="too many for its size"):
            members(path, Bounds(free_bytes=1000, ratio=100))


@pytest.mark.parametrize("ending", [*TAR, ".zip"])
def test_an_archive_that_is_cut_off_anywhere_is_one_clear_error(tmp_path: Path, ending: str) -> None:
    whole = pack(tmp_path / f"a{ending}", *[(f"m{n}", bytes([65 + n]) * 700) for n in range(3)]).read_bytes()
    end = 512 * 9 if ending == ".tar" else len(whole) - 5  # a tar may end after its first empty block
    for cut in [*range(0, end, max(end // 40, 1)), end - 1]:
        path = tmp_path / f"cut{ending}"
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match="cut off or damaged") as caught:
            members(path)
        assert "\n" not in str(caught.value)


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", ("a", b"a"), ("b", b"b"))
    raw = path.read_bytes()
    path.write_bytes(raw[:1024] + b"x" * 512 + raw[1536:])
    with pytest.raises(InputError, match="invalid header"):
        members(path)


@pytest.mark.parametrize("ending", [".tar", ".tgz", ".zip", ".jsonl.gz"])
def test_a_missing_archive_is_named(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"no{ending}"
    with pytest.raises(InputError, match="no such file: check the path"):
        members(path)


@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
def test_members_of_all_formats_are_read_by_name_or_head(tmp_path: Path, ending: str) -> None:
    squad = b'{"data": [{"title": "S", "paragraphs": [{"context": "A city.", "qas": []}]}]}'
    hotpotqa = b'[{"context": [["H", ["A town."]]]}]'
    musique = b'{"paragraphs": [{"title": "M", "paragraph_text": "A lake."}]}\n'
    vital = b'{"V": {"extract": "A hill."}}'
    given = {
        "a.jsonl": JSONL,
        "b.tsv.gz": gzip.compress(b"1\tA sea.\tT\n"),
        "c.json": squad,
        "d.json": hotpotqa,
        "e.jsonl": musique,
        "f.json": vital,
        "g.xml.bz2": bz2.compress(dump(page(1, "Seine", SEINE))),
    }
    bare = {name.partition(".")[0]: content for name, content in given.items() if name[0] not in "bg"}
    path = pack(tmp_path / f"a{ending}", *given.items())
    titles = [item.title for item in open_corpus(path) if isinstance(item, Passage)]
    assert titles == ["Rome", "T", "S", "H", "M", "V", "Seine"]
    path = pack(tmp_path / f"b{ending}", *bare.items())
    assert [item.title for item in open_corpus(path) if isinstance(item, Passage)] == ["Rome", "S", "H", "M", "V"]


def test_a_member_of_no_known_format_is_one_reject(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", ("README", b"Hello."), ("a.jsonl", JSONL + b"{\n"))
    result = read_all(open_passages(path), "a.tar", max_reject_share=1)
    assert [reject.source for reject in result.rejects] == ["a.tar/README", "a.tar/a.jsonl:2"]
    assert result.rejects[0].reason.startswith("format not recognised")
    assert result.read == 3
