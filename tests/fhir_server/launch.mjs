// A small SMART App Launch authorization server (HL7 2.2) for tests: it logs everybody in at once.
//
// It needs no packages: tokens are signed by Node's own crypto, not by the library Clarity uses.
// POST /control sets what the next log-ins answer: who logs in, with which patient, and what is
// wrong with the id_token. It refuses as the specification asks: another client, redirect or aud,
// no state, no PKCE, a wrong verifier, a code used twice; and where it was given the client's keys,
// a client that does not sign with one of them.
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
  verify,
} from "node:crypto";
import { createServer } from "node:http";

const HASH = { RS256: "sha256", RS384: "sha384", ES256: "sha256", ES384: "sha384" };
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-384" });
const codes = new Map();
const asked = []; // what came to /authorize, for tests to look at
let control = {};

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function signed(claims, { alg = "RS256", kid = alg.startsWith("R") ? "rsa" : "ec", by } = {}) {
  const body = `${base64url({ alg, kid, typ: "JWT" })}.${base64url(claims)}`;
  if (alg === "none") return `${body}.`;
  const key = by === "stranger" ? stranger.privateKey : alg.startsWith("R") ? rsa.privateKey : ec.privateKey;
  const signature = sign(HASH[alg], Buffer.from(body), { key, dsaEncoding: "ieee-p1363" });
  return `${body}.${signature.toString("base64url")}`;
}

function authorize(url, at) {
  const query = Object.fromEntries(url.searchParams);
  asked.push(query);
  const wrong =
    query.client_id !== "clarity" || !URL.canParse(query.redirect_uri ?? "") || query.aud !== at.base;
  if (wrong) return [400, "client, redirect or aud"];
  const back = new URL(query.redirect_uri);
  back.searchParams.set("state", query.state ?? "");
  const scopes = (query.scope ?? "").split(" ");
  const bad =
    query.response_type !== "code" ||
    (query.state ?? "").length < 22 ||
    query.code_challenge_method !== "S256" ||
    !scopes.includes("openid") ||
    scopes.includes("launch") !== Boolean(query.launch);
  if (bad || control.deny) back.searchParams.set("error", control.deny ? "access_denied" : "invalid_request");
  else {
    const code = randomUUID();
    codes.set(code, query);
    back.searchParams.set("code", code);
  }
  return [302, "", { Location: back.href }];
}

function knows(assertion, at) {
  const [head, body, signature] = (assertion ?? "").split(".");
  if (!signature) return false;
  const read = (part) => JSON.parse(Buffer.from(part, "base64url"));
  const [header, claims] = [read(head), read(body)];
  const jwk = control.clientKeys.keys.find((key) => key.kid === header.kid);
  const now = Date.now() / 1000;
  return (
    ["RS384", "ES384"].includes(header.alg) &&
    jwk !== undefined &&
    claims.iss === "clarity" &&
    claims.sub === "clarity" &&
    claims.aud === `${at.origin}/token` &&
    claims.exp > now &&
    claims.exp <= now + 300 &&
    verify(
      "sha384",
      Buffer.from(`${head}.${body}`),
      { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" },
      Buffer.from(signature, "base64url"),
    )
  );
}

function token(form, at) {
  if (control.clientKeys && !knows(form.get("client_assertion"), at))
    return [401, JSON.stringify({ error: "invalid_client" })];
  const query = codes.get(form.get("code"));
  codes.delete(form.get("code"));
  const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
  const fits =
    query &&
    form.get("grant_type") === "authorization_code" &&
    form.get("client_id") === query.client_id &&
    form.get("redirect_uri") === query.redirect_uri &&
    challenge === query.code_challenge;
  if (!fits) return [400, JSON.stringify({ error: "invalid_grant" })];
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: at.origin,
    sub: "someone",
    aud: "clarity",
    iat: now,
    exp: now + 300,
    nonce: query.nonce,
    fhirUser: control.fhirUser ?? `${at.base}/Practitioner/7`,
    ...control.claims,
  };
  const answer = {
    access_token: "an-access-token-that-no-log-may-hold",
    token_type: "Bearer",
    expires_in: 300,
    scope: query.scope,
    ...(control.patient === null ? {} : { patient: control.patient ?? "ehr-1" }),
    ...(control.anonymous ? {} : { id_token: signed(claims, control.signing) }),
  };
  return [200, JSON.stringify(answer)];
}

async function answer(request, at) {
  const url = new URL(request.url, at.origin);
  let body = "";
  for await (const chunk of request) body += chunk;
  if (url.pathname === "/control") {
    control = JSON.parse(body);
    return [200, JSON.stringify({ asked: asked.splice(0) })];
  }
  if (url.pathname === "/fhir/R4/.well-known/smart-configuration") {
    const found = {
      issuer: at.origin,
      authorization_endpoint: `${at.origin}/authorize`,
      token_endpoint: `${at.origin}/token`,
      ...(control.openid ? {} : { jwks_uri: `${at.origin}/jwks` }),
      code_challenge_methods_supported: ["S256"],
      capabilities: ["launch-ehr", "launch-standalone", "client-public", "sso-openid-connect"],
      ...control.configuration,
    };
    return [200, JSON.stringify(found)];
  }
  if (url.pathname === "/.well-known/openid-configuration")
    return [200, JSON.stringify({ issuer: at.origin, jwks_uri: `${at.origin}/jwks` })];
  if (url.pathname === "/jwks") {
    const jwk = (pair, kid) => ({ ...pair.publicKey.export({ format: "jwk" }), kid, use: "sig" });
    return [200, JSON.stringify({ keys: [jwk(rsa, "rsa"), jwk(ec, "ec")] })];
  }
  if (url.pathname === "/frame") {
    const page = `<iframe src="${url.searchParams.get("of")}"></iframe>`;
    return [200, page, { "Content-Type": "text/html" }];
  }
  if (url.pathname === "/authorize") return authorize(url, at);
  if (url.pathname === "/token") return token(new URLSearchParams(body), at);
  return [404, "{}"];
}

const server = createServer(async (request, response) => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  const [status, body, headers] = await answer(request, { origin, base: `${origin}/fhir/R4` });
  response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(body);
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.on("end", () => process.exit(0)).resume();
