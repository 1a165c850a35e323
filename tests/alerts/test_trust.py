"""Whose token opens something, and why every other one does not."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from alerts.fhir.jwks import BadKeys, check_jwks, key_for
from alerts.models import SeenToken, TrustedSystem
from alerts.trust import NotTrusted, client_verified, jwt_verified
from tests.trusted import (
    AUDIENCE,
    jwks_of,
    key_server,
    private_key,
    public_jwk,
    system,
    token,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def verified(text: str, now: datetime | None = None) -> TrustedSystem:
    return jwt_verified(text, audience=AUDIENCE, now=now or timezone.now())


def refused(text: str, now: datetime | None = None) -> str:
    with pytest.raises(NotTrusted) as refusal:
        verified(text, now)
    return refusal.value.reason


def seconds(since_now: int) -> int:
    return int(timezone.now().timestamp()) + since_now


@pytest.mark.parametrize(("kid", "algorithm"), [("rsa", "RS384"), ("ec", "ES384")])
def test_both_algorithms_open(kid: str, algorithm: str) -> None:
    ehr = system()
    assert verified(token(kid, algorithm)) == ehr
    assert verified(token(kid, algorithm)) == ehr


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://other.example"}, "not registered here"),
        ({"iss": None}, "not registered here"),
        ({"iss": ""}, "not registered here"),
        ({"iss": "\x00"}, "not registered here"),
        ({"aud": "https://elsewhere.example"}, "meant for another address"),
        ({"aud": None}, "does not say whom it is meant for"),
        ({"exp": -31}, "has expired"),
        ({"exp": 331, "iat": None}, "longer than 5 minutes"),
        ({"iat": -200, "exp": 200}, "longer than 5 minutes"),
        ({"exp": None}, "no readable time of exp"),
        ({"exp": "soon"}, "no readable time of exp|malformed"),
        ({"exp": 1e300}, "no readable time of exp|malformed"),
        ({"nbf": 60}, "not valid yet \\(nbf\\)"),
        ({"iat": 60}, "not valid yet \\(iat\\)"),
        ({"jti": None}, "has no id"),
        ({"jti": ""}, "has no id"),
        ({"header": {"kid": "unknown"}}, "is not one of the system’s"),
        ({"header": {"kid": ""}}, "does not name its key"),
        ({"header": {"jku": "https://evil.example/keys"}}, "that is not registered"),
    ],
)
def test_a_token_that_is_wrong_in_one_thing_is_refused(
    changes: dict[str, Any], reason: str
) -> None:
    system()
    for name in ("exp", "nbf", "iat"):
        if isinstance(changes.get(name), int):
            changes = changes | {name: seconds(changes[name])}
    with pytest.raises(NotTrusted, match=reason):
        verified(token(**changes))
    assert not SeenToken.objects.exists()


def test_rs256_opens_nothing_even_with_a_registered_key() -> None:
    system()
    text = token("rsa", "RS256", key=private_key("rsa", "RS384"))
    assert refused(text) == "The token must be signed with RS384 or ES384."


def test_symmetric_and_unsigned_tokens_open_nothing() -> None:
    system()
    claims = jwt.decode(token(), options={"verify_signature": False})
    for text in (
        jwt.encode(claims, "x" * 64, algorithm="HS384", headers={"kid": "ec"}),
        jwt.encode(claims, "", algorithm="none", headers={"kid": "ec"}),
    ):
        assert refused(text) == "The token must be signed with RS384 or ES384."


def test_a_key_of_somebody_else_does_not_fit() -> None:
    system()
    stranger = ec.generate_private_key(ec.SECP384R1())
    assert refused(token(key=stranger)) == "The signature of the token does not fit."


def test_a_key_opens_by_its_own_algorithm_only() -> None:
    system()
    assert "is not one of the system’s" in refused(
        token("ec", "RS384", key=private_key("rsa", "RS384"))
    )


def test_a_token_opens_once() -> None:
    system()
    text = token()
    verified(text)
    assert refused(text) == "The token was used before (jti)."
    assert refused(token(jti=jwt.decode(text, options={"verify_signature": False})["jti"]))


def test_the_same_id_of_two_systems_is_two_tokens() -> None:
    system()
    system(name="Other", issuer="https://other.example")
    verified(token(jti="one"))
    assert verified(token(jti="one", iss="https://other.example")).name == "Other"


def test_seen_tokens_are_forgotten_once_they_have_expired_and_not_before() -> None:
    system()
    text = token(jti="first")
    verified(text)
    later = timezone.now() + timedelta(seconds=255)
    assert refused(text, later) == "The token was used before (jti)."
    now = timezone.now() + timedelta(minutes=10)
    verified(token(jti="second", iat=seconds(600), exp=seconds(700)), now)
    assert SeenToken.objects.count() == 1


def test_a_system_that_is_switched_off_opens_nothing() -> None:
    system(is_active=False)
    assert "switched off" in refused(token())


def test_a_further_audience_is_accepted_where_one_is_registered() -> None:
    system(audience="https://proxy.example/cds")
    assert verified(token(aud="https://proxy.example/cds"))
    assert verified(token(aud=["https://x.example", AUDIENCE]))
    assert refused(token(aud="https://x.example"))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é", "e30.e30.", "x" * 9000, "a" * 20 + ".b.c"])
def test_what_is_no_token_is_refused(text: str) -> None:
    system()
    assert refused(text)


@given(st.text(max_size=80))
def test_any_text_is_refused_and_never_quoted(text: str) -> None:
    with pytest.raises(NotTrusted) as refusal:
        jwt_verified(f"{text}.e30.{text}", audience=AUDIENCE, now=timezone.now())
    assert refusal.value.reason.endswith(".")


def test_a_program_names_its_client_id_twice() -> None:
    program = system(client_id="reader", issuer="")
    at: dict[str, Any] = {"audience": AUDIENCE, "now": timezone.now()}
    assert client_verified(token(iss="reader", sub="reader"), **at) == program
    for claims in ({"iss": "reader"}, {"iss": "reader", "sub": "other"}, {"iss": "", "sub": ""}):
        with pytest.raises(NotTrusted, match="as both iss and sub"):
            client_verified(token(**claims), **at)
    with pytest.raises(NotTrusted, match="not registered"):
        client_verified(token(iss="other", sub="other"), **at)


def test_an_issuer_is_no_client_and_a_client_no_issuer() -> None:
    system(client_id="reader")
    with pytest.raises(NotTrusted):
        verified(token(iss="reader"))


def test_keys_are_fetched_once_and_again_for_a_key_that_is_new() -> None:
    with key_server(jwks_of(("old", "ES384"))) as server:
        system(jwks_url=server.url)
        verified(token("old"))
        verified(token("old", header={"jku": server.url}))
        assert server.asked == 1
        server.document = jwks_of(("old", "ES384"), ("new", "RS384"))
        verified(token("new", "RS384"))
        assert server.asked == 2
        verified(token("old"))
        assert server.asked == 2


def test_unknown_keys_do_not_make_clarity_ask_again_and_again() -> None:
    with key_server(jwks_of(("old", "ES384"))) as server:
        system(jwks_url=server.url)
        for _ in range(5):
            assert "is not one of the system’s" in refused(token("nowhere"))
        assert server.asked == 2


@pytest.mark.parametrize("status", [404, 503, 302])
def test_keys_that_cannot_be_read_open_nothing(status: int) -> None:
    with key_server(jwks_of(("ec", "ES384"))) as server:
        system(jwks_url=server.url)
        server.status = status
        assert refused(token()) == f"The keys of Test EHR cannot be read: it answered {status}."
        server.status = 200
        assert refused(token())  # it is not asked again at once: each call would wait for it
        assert server.asked == 1
        cache.clear()  # as time does
        assert verified(token())


@pytest.mark.parametrize("document", [[], "text", {"keys": 5}, {"keys": [1]}, {"other": 1}])
def test_a_key_set_that_is_none_opens_nothing(document: object) -> None:
    with key_server(document) as server:
        system(jwks_url=server.url)
        assert refused(token())


def test_a_server_that_is_gone_says_so_in_a_sentence() -> None:
    with key_server({}) as server:
        pass
    system(jwks_url=server.url)
    assert refused(token()) == (
        "The keys of Test EHR cannot be read: it could not be reached (ConnectionError)."
    )


def test_keys_of_another_address_are_not_believed_after_a_change() -> None:
    with key_server(jwks_of(("ec", "ES384"))) as server, key_server({"keys": []}) as other:
        ehr = system(jwks_url=server.url)
        verified(token())
        ehr.jwks_url = other.url
        ehr.save()
        assert refused(token())


@pytest.mark.parametrize(
    "values",
    [
        {"issuer": "", "client_id": ""},
        {"jwks": {}, "jwks_url": ""},
        {"name": "Second"},
        {"name": "Second", "issuer": "", "client_id": "taken"},
    ],
)
def test_the_database_refuses_systems_that_cannot_be_told_apart(values: dict[str, Any]) -> None:
    if values.get("name"):
        system(client_id="taken")
    with pytest.raises(IntegrityError), transaction.atomic():
        system(**values)


def test_a_key_set_may_be_written_down_only_without_its_secret() -> None:
    check_jwks(jwks_of(("rsa", "RS384")))
    with pytest.raises(BadKeys, match="private key"):
        check_jwks({"keys": [public_jwk("ec", "ES384") | {"d": "secret"}]})


def test_weak_and_unfit_keys_are_no_keys() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    short = jwt.algorithms.RSAAlgorithm.to_jwk(weak, as_dict=True) | {"kid": "k"}
    p256 = jwt.algorithms.ECAlgorithm.to_jwk(
        ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True
    ) | {"kid": "k"}
    good = public_jwk("ec", "ES384")
    for key in (
        *(short, p256, {"kty": "oct", "k": "x", "kid": "k"}),
        *(good | {"use": "enc"}, good | {"alg": "ES256"}, good | {"kid": 5}, good | {"x": "-"}),
    ):
        with pytest.raises(BadKeys):
            check_jwks({"keys": [key]})
    assert key_for({"keys": [good]}, "ec", "ES384")
