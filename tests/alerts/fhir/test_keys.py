"""Clarity's own keys: files that nobody else reads, published while they matter."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from alerts.fhir.jwks import check_jwks, key_for
from alerts.fhir.keys import PUBLISHED_AFTER, KeyFolder, KeyTrouble

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "keys")


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_key_is_a_private_file_and_what_is_published_is_not(
    keys: KeyFolder, algorithm: str
) -> None:
    key = keys.make(algorithm, NOW)
    (file,) = keys.path.iterdir()
    assert (file.stat().st_mode & 0o777, keys.path.stat().st_mode & 0o777) == (0o600, 0o700)
    assert keys.open_to_others() == []
    published = keys.published(NOW)
    check_jwks(published)
    assert json.loads(file.read_text())["jwk"]["d"] not in json.dumps(published)
    text = keys.signed({"iss": "me"}, algorithm)
    assert jwt.get_unverified_header(text) == {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
    found = key_for(published, key.kid, algorithm)
    assert jwt.decode(text, found, algorithms=[algorithm]) == {"iss": "me"}


def test_the_oldest_key_signs_until_it_is_retired(keys: KeyFolder) -> None:
    old = keys.make("ES384", NOW)
    new = keys.make("ES384", NOW + timedelta(days=1))
    assert jwt.get_unverified_header(keys.signed({}, "ES384"))["kid"] == old.kid
    keys.retire(old.kid, NOW + timedelta(days=2))
    assert jwt.get_unverified_header(keys.signed({}, "ES384"))["kid"] == new.kid


def test_a_retired_key_is_published_until_nothing_it_signed_can_live(keys: KeyFolder) -> None:
    key = keys.make("ES384", NOW)
    keys.retire(key.kid, NOW)
    assert "d" not in json.loads(next(keys.path.iterdir()).read_text())["jwk"]
    before, after = NOW + PUBLISHED_AFTER - timedelta(seconds=1), NOW + PUBLISHED_AFTER
    assert timedelta(minutes=5) < PUBLISHED_AFTER
    assert [it["kid"] for it in keys.published(before)["keys"]] == [key.kid]
    assert keys.published(after) == {"keys": []}
    assert keys.remove_old(before) == []
    assert keys.remove_old(after) == [key.kid]
    assert keys.all() == []


def test_retiring_again_does_not_publish_it_longer(keys: KeyFolder) -> None:
    key = keys.make("ES384", NOW)
    keys.retire(key.kid, NOW)
    keys.retire(key.kid, NOW + timedelta(hours=1))
    assert keys.all()[0].retired_at == NOW


@pytest.mark.parametrize("kid", ["unknown", "../../etc/passwd", ""])
def test_a_key_that_there_is_not(keys: KeyFolder, kid: str) -> None:
    with pytest.raises(KeyTrouble):
        keys.retire(kid, NOW)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"jwk": {}}', '{"jwk": {"kid": "x"}}'])
def test_a_file_that_is_no_key_is_said_and_not_passed_over(keys: KeyFolder, content: str) -> None:
    keys.make("ES384", NOW)
    (keys.path / "x.json").write_text(content)
    with pytest.raises(KeyTrouble, match="file of key x cannot be read"):
        keys.published(NOW)


def test_no_key_for_an_algorithm(keys: KeyFolder) -> None:
    keys.make("ES384", NOW)
    with pytest.raises(KeyTrouble, match="no key for RS384"):
        keys.signed({}, "RS384")
    with pytest.raises(KeyTrouble, match="RS384 or ES384"):
        keys.make("RS256", NOW)


def test_a_file_that_others_can_read_is_named(keys: KeyFolder) -> None:
    key = keys.make("ES384", NOW)
    (keys.path / f"{key.kid}.json").chmod(0o640)
    assert keys.open_to_others() == [f"{key.kid}.json"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyTrouble, match="cannot be written"):
        KeyFolder(tmp_path / "file").make("ES384", NOW)


def test_readers_never_see_half_a_file(keys: KeyFolder) -> None:
    key = keys.make("ES384", NOW)
    done, troubles = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            try:
                keys.published(NOW)
            except KeyTrouble as trouble:
                troubles.append(trouble)

    reader = threading.Thread(target=read)
    reader.start()
    content = json.loads((keys.path / f"{key.kid}.json").read_text())
    for _ in range(200):
        keys._write(key.kid, content)
    done.set()
    reader.join()
    assert troubles == []
