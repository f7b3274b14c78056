'use strict';
// One call with @alicloud/openapi-client as its typed SDKs make it. It knows no operation: the job says which
// parameters belong in the form. Where none do, there is no body, as in the typed SDKs.

const { default: Client, Config, OpenApiRequest, Params } = require('@alicloud/openapi-client');
const { default: Util } = require('@alicloud/openapi-util');
const { RuntimeOptions } = require('@alicloud/tea-util');

const { openapiConfig, run } = require('./job.js');

function split(job) {
  const query = {};
  const body = {};
  for (const [name, value] of Object.entries(job.parameters)) {
    (job.form[name] ? body : query)[name] = value;
  }
  const isEmpty = Object.keys(body).length === 0;
  return new OpenApiRequest({ query: Util.query(query), body: isEmpty ? undefined : Util.parseToMap(body) });
}

run(async (job) => {
  const client = new Client(new Config(openapiConfig(job)));
  const params = new Params({
    action: job.action,
    version: job.version,
    protocol: 'HTTPS',
    pathname: '/',
    method: 'POST',
    authType: 'AK',
    style: 'RPC',
    reqBodyType: 'formData',
    bodyType: 'json',
  });
  const response = await client.callApi(params, split(job), new RuntimeOptions({}));
  return response.body;
});
