'use strict';
// One call with a typed SDK of Alibaba Cloud: the package is named after product and version, the request class and
// the method after the action. Asked to list, it answers with the parameters that the request class knows.

const { Config } = require('@alicloud/openapi-client');
const { cast } = require('@alicloud/tea-typescript');
const { RuntimeOptions } = require('@alicloud/tea-util');

const { openapiConfig, run } = require('./job.js');

run(async (job) => {
  const sdk = require(`@alicloud/${job.product.toLowerCase()}${job.version.replace(/-/g, '')}`);
  const Request = sdk[`${job.action}Request`];
  if (!Request) throw new Error(`the SDK has no ${job.action}`);
  const known = Object.values(Request.names());
  if (job.list) return known;
  const unknown = Object.keys(job.parameters).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`the SDK does not know ${unknown}`);
  const client = new sdk.default(new Config(openapiConfig(job)));
  const method = `${job.action[0].toLowerCase()}${job.action.slice(1)}WithOptions`;
  const response = await client[method](cast(job.parameters, new Request({})), new RuntimeOptions({}));
  const reply = {};
  for (const [key, name] of Object.entries(response.body.constructor.names())) reply[name] = response.body[key];
  return reply;
});
