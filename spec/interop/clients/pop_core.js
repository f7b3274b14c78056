'use strict';
// One call with @alicloud/pop-core, which knows signature V1 alone and no operation: all parameters go into the form.

const { RPCClient } = require('@alicloud/pop-core');

const { run } = require('./job.js');

run((job) => {
  const client = new RPCClient({
    endpoint: job.endpoint,
    apiVersion: job.version,
    accessKeyId: job.access_key_id,
    accessKeySecret: job.access_key_secret,
    securityToken: job.security_token,
  });
  return client.request(job.action, job.parameters, { method: 'POST' });
});
