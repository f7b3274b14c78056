'use strict';
// One CreateMessage with @huaweicloud/huaweicloud-sdk-core, called as the vendor's typed clients call it: the package
// for IoTDA itself is not published for Node. Its ClientBuilder needs a package that it does not declare; what that
// would put together is put together here.

const fs = require('fs');
const { dirname } = require('path');

const { run } = require('./job.js');

// The SDK opens a log file where it is started, and logs refusals to stdout, before the answer.
process.argv[2] = fs.realpathSync(process.argv[2]);
process.chdir(dirname(process.env.NODE_PATH));
process.stdout.write = process.stderr.write.bind(process.stderr);

const { BasicCredentials, Region } = require('@huaweicloud/huaweicloud-sdk-core');
const { HcClient } = require('@huaweicloud/huaweicloud-sdk-core/HcClient');
const { DefaultHttpClient } = require('@huaweicloud/huaweicloud-sdk-core/http/DefaultHttpClient');

const SERVICE = 'iotdm';

function clientOf(job) {
  const credentials = new BasicCredentials()
    .withAk(job.access_key_id)
    .withSk(job.access_key_secret)
    .withProjectId(job.project_id);
  if (job.security_token) credentials.withSecurityToken(job.security_token);
  const region = new Region(job.region, [job.endpoint]);
  const client = new HcClient(new DefaultHttpClient({}, region.endpoints))
    .withEndpoints(region.endpoints)
    .withCredential(credentials);
  if (!job.derived) return client;
  credentials.derivedPredicate = BasicCredentials.getDefaultDerivedPredicate.bind(BasicCredentials);
  credentials.processDerivedAuthParams(SERVICE, region.id);
  return client.withRegion(region);
}

async function createMessage(job) {
  const { device_id: deviceId, instance_id: instanceId, body } = job.parameters;
  const headers = { 'Content-Type': 'application/json;charset=UTF-8' };
  if (instanceId !== undefined) headers['Instance-Id'] = String(instanceId);
  const response = await clientOf(job).sendRequest({
    method: 'POST',
    url: '/v5/iot/{project_id}/devices/{device_id}/messages',
    contentType: 'application/json',
    queryParams: {},
    pathParams: { device_id: deviceId },
    headers,
    data: body,
  });
  const status = response.result ? response.result.status : '';
  return { message_id: response.message_id, status, http_status: response.httpStatusCode };
}

run(async (job) => {
  try {
    return await createMessage(job);
  } catch (error) {
    throw Object.assign(new Error(`${error.httpStatusCode} ${error.errorMsg || error.message}`), {
      code: error.errorCode || error.code || error.name,
    });
  }
});
