'use strict';
// What every Node client shares: the job is a JSON file named on the command line, the answer one line of JSON,
// { reply: { name: text } } or { code, message }. A reply's members become text, whatever numbers the SDK makes.

const fs = require('fs');

const isPlain = (value) => Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
const textOf = (value) => (isPlain(value) ? JSON.stringify(value) : String(value));

function replyOf(body) {
  const reply = {};
  for (const [name, value] of Object.entries(body)) {
    if (value !== undefined && value !== null) reply[name] = textOf(value);
  }
  return { reply };
}

// The handler answers with a reply's body, or throws what its SDK throws.
exports.run = async (handler) => {
  const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  let answer;
  try {
    answer = job.list ? { known: await handler(job) } : replyOf(await handler(job));
  } catch (error) {
    answer = { code: String(error.code), message: String(error.message) };
  }
  fs.writeSync(1, JSON.stringify(answer) + '\n');
  process.exit(0);
};

// Settings of @alicloud/openapi-client, by itself or under a typed SDK. Its signature "v2" is RPC signature 1.0.
exports.openapiConfig = (job) => {
  const url = new URL(job.endpoint);
  return {
    protocol: url.protocol.slice(0, -1),
    endpoint: url.host,
    accessKeyId: job.access_key_id,
    accessKeySecret: job.access_key_secret,
    securityToken: job.security_token,
    signatureAlgorithm: job.signature === 'v1' ? 'v2' : undefined,
  };
};
