"""Tokens from a real authorisation server: given for what is right, refused for what is wrong."""

import itertools
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from alerts.fhir.answers import TemporaryFailure
from alerts.fhir.keys import KeyFolder
from alerts.fhir.tokens import TokenRefused, TokenSource
from tests.fhir_server import FhirServer
from tests.fhir_server.auth import AuthServer
from tests.fhir_server.fixtures import require_fhir_server
from tests.trusted import KeyServer, key_server, private_key

CLIENT = "clarity-at-the-ehr"
SCOPES = "system/Patient.rs system/CommunicationRequest.cu"


class Forged(TokenSource):
    """Signs an assertion that is wrong in what ``changes`` says."""

    def __init__(self, *args: Any, changes: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changes = changes

    def _assertion(self, token_url: str, algorithm: str) -> str:
        good = super()._assertion(token_url, algorithm)
        claims = jwt.decode(good, options={"verify_signature": False})
        header = {"kid": jwt.get_unverified_header(good)["kid"]} | self.changes.get("header", {})
        now = self._clock()
        for name, value in self.changes.get("claims", {}).items():
            claims[name] = now + value if name in ("exp", "iat") else value
        with_algorithm = self.changes.get("alg", algorithm)
        key = self.changes.get("key")
        if key is None:
            active = next(k for k in self._keys.active() if k.algorithm == algorithm)
            key = jwt.PyJWK(self._keys._read(active.kid)["jwk"], algorithm=with_algorithm)
        return jwt.encode(claims, key, algorithm=with_algorithm, headers=header)


@contextmanager
def keys_at(folder: Path, algorithms: tuple[str, ...]) -> Iterator[tuple[KeyFolder, KeyServer]]:
    """A folder with keys, and a server of what it publishes now."""
    keys = KeyFolder(folder)
    for algorithm in algorithms:
        keys.make(algorithm, datetime.now(UTC))
    with key_server(lambda: keys.published(datetime.now(UTC))) as published:
        yield keys, published


@contextmanager
def ehr_of(
    folder: Path, algorithms: tuple[str, ...] = ("RS384", "ES384"), **told: Any
) -> Iterator[tuple[AuthServer, KeyFolder]]:
    """An authorisation server that reads the keys of this folder where they are published."""
    require_fhir_server()
    with (
        keys_at(folder, algorithms) as (keys, published),
        AuthServer(client_id=CLIENT, jwks_url=published.url, **told) as server,
    ):
        yield server, keys


def source(server: AuthServer, keys: KeyFolder, **more: Any) -> TokenSource:
    return TokenSource(server.base_url, CLIENT, keys, scopes=SCOPES, **more)


def opens(server: AuthServer, token: str) -> bool:
    header = {"Authorization": f"Bearer {token}"}
    url = f"{server.base_url}/Patient"
    return requests.get(url, headers=header, timeout=10).status_code == 200


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_both_algorithms_are_accepted_and_kept_after_a_rotation(
    tmp_path: Path, algorithm: str
) -> None:
    with ehr_of(tmp_path, (algorithm,)) as (server, keys):
        (first,) = keys.active()
        assert opens(server, source(server, keys).token())
        second = keys.make(algorithm, datetime.now(UTC))
        keys.retire(first.kid, datetime.now(UTC))
        tokens = source(server, keys)
        assert jwt.get_unverified_header(tokens._assertion("x", algorithm))["kid"] == second.kid
        assert opens(server, tokens.token())
        assert server.tokens_given() == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"claims": {"aud": "https://elsewhere.example/token"}}, "claim aud does not fit"),
        ({"claims": {"exp": -1, "iat": -200}}, "expired"),
        ({"claims": {"exp": 301}}, "lifetime over 5 minutes"),
        ({"alg": "RS256"}, "algorithm not allowed"),
        ({"header": {"kid": "unknown"}}, "unknown kid"),
        ({"claims": {"iss": "somebody"}}, "claim iss does not fit"),
        ({"claims": {"sub": "somebody"}}, "claim sub does not fit"),
        ({"key": private_key("stranger", "ES384")}, "signature does not fit"),
    ],
    ids=["audience", "expired", "lifetime", "RS256", "kid", "issuer", "subject", "stranger"],
)
def test_the_server_refuses(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with ehr_of(tmp_path, ("RS384" if "alg" in changes else "ES384",)) as (server, keys):
        forged = Forged(server.base_url, CLIENT, keys, scopes=SCOPES, changes=changes)
        with pytest.raises(TokenRefused) as refusal:
            forged.token()
        assert refusal.value.reason == (
            f"The EHR’s token server refused Clarity (401, invalid_client). {reason}"
        )
        assert (refusal.value.outcome_text, refusal.value.status) == (reason, 401)
        assert server.tokens_given() == 0
        assert opens(server, source(server, keys).token())  # the same, with nothing forged


def test_the_server_refuses_a_jti_that_was_used(tmp_path: Path) -> None:
    with ehr_of(tmp_path, ("ES384",)) as (server, keys):
        once = Forged(
            server.base_url, CLIENT, keys, scopes=SCOPES, changes={"claims": {"jti": "one"}}
        )
        assert opens(server, once.token())
        with pytest.raises(TokenRefused) as refusal:
            once.renew()
        assert refusal.value.outcome_text == "jti was used before"


def test_every_assertion_has_an_id_of_its_own(tmp_path: Path) -> None:
    with ehr_of(tmp_path) as (server, keys):
        tokens = source(server, keys)
        assert len({tokens.renew() for _ in range(5)}) == 5


@pytest.mark.parametrize(("life", "kept_s"), [(300, 270), (20, 16)])
def test_a_token_is_kept_until_shortly_before_its_end(
    tmp_path: Path, life: int, kept_s: int
) -> None:
    tokens = map(str, itertools.count())
    now = [1e9]
    with (
        keys_at(tmp_path, ("ES384",)) as (keys, _),
        key_server(lambda: {"access_token": next(tokens), "expires_in": life}) as server,
    ):
        kept = TokenSource(
            server.url, CLIENT, keys, scopes=SCOPES, token_url=server.url, clock=lambda: now[0]
        )
        assert kept.token() == "0"
        now[0] += kept_s - 1
        assert kept.token() == "0"
        now[0] += 1
        assert kept.token() == "1"
        assert server.asked == 2


def test_threads_share_one_token_and_one_renewal(tmp_path: Path) -> None:
    with ehr_of(tmp_path) as (server, keys), ThreadPoolExecutor(8) as pool:
        tokens = source(server, keys)
        (first,) = set(pool.map(lambda _: tokens.token(), range(8)))
        server.expire_tokens()
        assert not opens(server, first)
        (second,) = set(pool.map(lambda _: tokens.renew(first), range(8)))
        assert opens(server, second)
        assert server.tokens_given() == 2


@pytest.mark.parametrize("scopes", ["v1", "v2", "both"])
def test_scopes_are_asked_for_as_the_server_understands_them(tmp_path: Path, scopes: str) -> None:
    with ehr_of(tmp_path, ("ES384",), scopes=scopes) as (server, keys):
        assert opens(server, source(server, keys).token())


def test_scopes_of_the_wrong_form_are_refused(tmp_path: Path) -> None:
    with ehr_of(tmp_path, ("ES384",), scopes="v1") as (server, keys):
        told = source(server, keys, token_url=f"{server.address}/token")
        with pytest.raises(TokenRefused, match=r"\(400, invalid_scope\)"):
            told.token()


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_the_algorithm_is_one_that_the_server_lists(tmp_path: Path, algorithm: str) -> None:
    with ehr_of(tmp_path, algorithms=("RS384", "ES384")) as (_other, keys), key_server(
        lambda: keys.published(datetime.now(UTC))
    ) as published, AuthServer(
        client_id=CLIENT, jwks_url=published.url, algorithms=algorithm
    ) as server:  # fmt: skip
        assert opens(server, source(server, keys).token())


def test_without_a_key_that_the_server_takes_the_reason_says_what_to_do(tmp_path: Path) -> None:
    require_fhir_server()
    with (
        keys_at(tmp_path, ("ES384",)) as (keys, published),
        AuthServer(client_id=CLIENT, jwks_url=published.url, algorithms="RS384") as server,
        pytest.raises(TokenRefused, match="no key for RS384, which the EHR accepts: make one"),
    ):
        source(server, keys).token()


def test_a_token_opens_the_fhir_server_behind(tmp_path: Path, fhir_server: FhirServer) -> None:
    with ehr_of(tmp_path, ("ES384",), upstream=fhir_server) as (server, keys):
        token = source(server, keys).token()
        header = {"Authorization": f"Bearer {token}"}
        url = f"{server.base_url}/Patient"
        made = requests.post(url, json={"resourceType": "Patient"}, headers=header, timeout=10)
        assert made.status_code == 201
        assert requests.get(url, timeout=10).status_code == 401


def test_a_server_that_is_gone_is_a_temporary_failure(tmp_path: Path) -> None:
    with ehr_of(tmp_path, ("ES384",)) as (server, keys):
        tokens = source(server, keys)
        tokens.token()
        server.stop()
        with pytest.raises(TemporaryFailure, match="token server could not be reached"):
            tokens.renew()
        with pytest.raises(TemporaryFailure, match="smart-configuration cannot be read"):
            source(server, keys).token()
        server.start()
        assert opens(server, tokens.token())


@pytest.mark.parametrize(
    ("document", "status", "error", "reason"),
    [
        ({}, 404, TokenRefused, r"no smart-configuration \(404\): set EHR_TOKEN_URL"),
        ({}, 503, TemporaryFailure, "cannot be read: it answered 503"),
        ([], 200, TemporaryFailure, "no JSON object"),
        ({}, 200, TokenRefused, "names no token endpoint"),
        ({"token_endpoint": "http://ehr.example/token"}, 200, TokenRefused, "by https"),
        ({"token_endpoint": "https://a:b@ehr.example/t"}, 200, TokenRefused, "by https"),
    ],
)
def test_a_configuration_that_cannot_be_used(
    tmp_path: Path, document: object, status: int, error: type[Exception], reason: str
) -> None:
    with keys_at(tmp_path, ("ES384",)) as (keys, _), key_server(document) as ehr:
        ehr.status = status
        with pytest.raises(error, match=reason):
            TokenSource(ehr.url, CLIENT, keys, scopes=SCOPES).token()


@pytest.mark.parametrize(
    ("answer", "status", "error", "reason"),
    [
        ({}, 200, TemporaryFailure, "without a token"),
        ({"access_token": "two words"}, 200, TemporaryFailure, "without a token"),
        ({"access_token": "t", "token_type": "mac"}, 200, TokenRefused, "no bearer tokens"),
        ({"error": "server_error"}, 500, TemporaryFailure, "answered 500"),
        ({}, 429, TemporaryFailure, "answered 429"),
        ({}, 302, TokenRefused, r"refused Clarity \(302\)"),
        ({"error": "a" * 50}, 400, TokenRefused, r"refused Clarity \(400\)"),
    ],
)
def test_an_answer_that_is_no_token(
    tmp_path: Path, answer: object, status: int, error: type[Exception], reason: str
) -> None:
    with keys_at(tmp_path, ("ES384",)) as (keys, _), key_server(answer) as server:
        server.status = status
        with pytest.raises(error, match=reason):
            TokenSource(server.url, CLIENT, keys, scopes=SCOPES, token_url=server.url).token()


@pytest.mark.parametrize("life", [None, "soon", -5, 0, float("inf")])
def test_a_life_that_is_none_counts_as_a_minute(tmp_path: Path, life: object) -> None:
    answer = {"access_token": "t", "expires_in": life}
    with keys_at(tmp_path, ("ES384",)) as (keys, _), key_server(answer) as server:
        tokens = TokenSource(
            server.url, CLIENT, keys, scopes=SCOPES, token_url=server.url, clock=lambda: 1e9
        )
        tokens.token()
        assert tokens._token_ends == 1e9 + 48


def test_nothing_secret_is_logged_or_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ehr_of(tmp_path) as (server, keys):
        tokens = source(server, keys)
        token = tokens.token()
        server.stop()
        with pytest.raises(TemporaryFailure) as failure:
            tokens.renew()
    secret = [keys._read(key.kid)["jwk"]["d"] for key in keys.active()]
    said = caplog.text + str(failure.value) + repr(tokens) + repr(keys.active())
    assert "urllib3" in caplog.text  # something was logged at all
    for text in (token, *secret, "client_assertion"):
        assert text not in said


def test_a_server_that_quotes_the_assertion_is_not_quoted(tmp_path: Path) -> None:
    with keys_at(tmp_path, ("ES384",)) as (keys, _):
        assertion = TokenSource("https://x", CLIENT, keys, scopes=SCOPES)._assertion("y", "ES384")
        answer = {"error": "invalid_client", "error_description": f"bad: {assertion} \n."}
        with key_server(answer) as server:
            server.status = 401
            with pytest.raises(TokenRefused) as refusal:
                TokenSource(server.url, CLIENT, keys, scopes=SCOPES, token_url=server.url).token()
    assert refusal.value.outcome_text == "bad: […] ."
