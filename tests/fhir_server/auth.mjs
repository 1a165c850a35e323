// A SMART authorisation server (Backend Services) on 127.0.0.1 for Clarity's tests, alone or in
// front of a FHIR server, to which it then lets only requests with a token of its own pass.
//   node auth.mjs --client-id ID --jwks-url URL [--port N] [--upstream BASE] [--life SECONDS]
//                 [--scopes v1|v2|both] [--algorithms RS384,ES384] [--exit-with-stdin]
// Prints {"port": N} on standard output when ready. POST /test/expire makes every token void,
// GET /test/count says how many tokens were given.
import { randomUUID } from 'node:crypto';
import { createServer, request as forward } from 'node:http';
import { parseArgs } from 'node:util';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const HOST = '127.0.0.1';
const BASE_PATH = '/fhir/R4';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const MAX_BODY_BYTES = 64 * 1024;
const MAX_LIFE_S = 300;
const FORMS = {
  v1: /^system\/(\*|[A-Z][A-Za-z]+)\.(read|write|\*)$/,
  v2: /^system\/(\*|[A-Z][A-Za-z]+)\.(?=.)c?r?u?d?s?$/,
};

const { values: args } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'client-id': { type: 'string' },
    'jwks-url': { type: 'string' },
    upstream: { type: 'string' },
    life: { type: 'string', default: '300' },
    scopes: { type: 'string', default: 'both' },
    algorithms: { type: 'string', default: 'RS384,ES384' },
    'exit-with-stdin': { type: 'boolean', default: false },
  },
});
const algorithms = args.algorithms.split(',');
const forms = args.scopes === 'both' ? ['v1', 'v2'] : [args.scopes];
// An unknown kid fetches the keys again, at once: as SMART asks of a server, for rotation.
const keys = createRemoteJWKSet(new URL(args['jwks-url']), { cooldownDuration: 0, timeoutDuration: 5000 });
const seen = new Set();
const tokens = new Map(); // text -> when it ends, in milliseconds
let given = 0;

class Refusal extends Error {
  constructor(status, error, text) {
    super(text);
    this.status = status;
    this.error = error;
  }
}

const base = () => `http://${HOST}:${server.address().port}`;
const tokenUrl = () => `${base()}/token`;

function configuration() {
  return {
    token_endpoint: tokenUrl(),
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: algorithms,
    capabilities: ['client-confidential-asymmetric', ...forms.map((it) => `permission-${it}`)],
  };
}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new Refusal(413, 'invalid_request', 'The request is too long');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function checkedClaims(assertion) {
  try {
    const options = { issuer: args['client-id'], subject: args['client-id'], audience: tokenUrl(), algorithms };
    const { payload } = await jwtVerify(assertion, keys, { ...options, requiredClaims: ['exp', 'jti'] });
    return payload;
  } catch (error) {
    const why = {
      ERR_JWT_EXPIRED: 'expired',
      ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm not allowed',
      ERR_JWKS_NO_MATCHING_KEY: 'unknown kid',
      ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature does not fit',
    }[error.code];
    const claim = error instanceof errors.JWTClaimValidationFailed ? `claim ${error.claim} does not fit` : 'unusable';
    throw new Refusal(401, 'invalid_client', why ?? claim);
  }
}

async function grant(request) {
  const form = new URLSearchParams(await read(request));
  if (form.get('grant_type') !== 'client_credentials') {
    throw new Refusal(400, 'unsupported_grant_type', 'Only client_credentials');
  }
  if (form.get('client_assertion_type') !== ASSERTION_TYPE) {
    throw new Refusal(400, 'invalid_request', 'Only private_key_jwt');
  }
  const claims = await checkedClaims(form.get('client_assertion') ?? '');
  if (claims.exp - Date.now() / 1000 > MAX_LIFE_S) {
    throw new Refusal(401, 'invalid_client', 'lifetime over 5 minutes');
  }
  if (seen.has(claims.jti)) {
    throw new Refusal(401, 'invalid_client', 'jti was used before');
  }
  seen.add(claims.jti);
  const scope = form.get('scope') ?? '';
  if (!scope || scope.split(' ').some((word) => !forms.some((form) => FORMS[form].test(word)))) {
    throw new Refusal(400, 'invalid_scope', 'A scope of this form is not known here');
  }
  const token = randomUUID();
  tokens.set(token, Date.now() + Number(args.life) * 1000);
  given += 1;
  return { access_token: token, token_type: 'bearer', expires_in: Number(args.life), scope };
}

function isAllowed(request) {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  return scheme === 'Bearer' && (tokens.get(token) ?? 0) > Date.now();
}

function pass(request, response) {
  const url = new URL(args.upstream + request.url.slice(BASE_PATH.length));
  const { authorization, host, ...headers } = request.headers;
  const onward = forward(url, { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => answerWith(response, 502, { error: 'The FHIR server cannot be reached' }));
  request.pipe(onward);
}

function answerWith(response, status, body, headers = {}) {
  const fixed = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  response.writeHead(status, { ...fixed, ...headers }).end(JSON.stringify(body));
}

async function handle(request, response) {
  const path = request.url.split('?')[0];
  try {
    if (request.method === 'POST' && path === '/token') {
      answerWith(response, 200, await grant(request));
    } else if (path === `${BASE_PATH}/.well-known/smart-configuration`) {
      answerWith(response, 200, configuration());
    } else if (request.method === 'POST' && path === '/test/expire') {
      tokens.clear();
      answerWith(response, 200, {});
    } else if (path === '/test/count') {
      answerWith(response, 200, { given });
    } else if (!path.startsWith(`${BASE_PATH}/`)) {
      answerWith(response, 404, { error: 'nothing here' });
    } else if (!isAllowed(request)) {
      answerWith(response, 401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer' });
    } else if (args.upstream) {
      pass(request, response);
    } else {
      answerWith(response, 200, { resourceType: 'Bundle', type: 'searchset', total: 0 });
    }
  } catch (error) {
    answerWith(response, error.status ?? 500, { error: error.error ?? 'server_error', error_description: error.message });
  }
}

function stop() {
  server.close(() => process.exit(0));
  server.closeAllConnections();
}

const server = createServer(handle);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
if (args['exit-with-stdin']) {
  process.stdin.on('end', stop).resume();
}
server.listen(Number(args.port), HOST, () => {
  console.log(JSON.stringify({ port: server.address().port }));
});
