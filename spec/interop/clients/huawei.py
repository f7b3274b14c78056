# One CreateMessage with Huawei Cloud's typed SDK for IoTDA, the job and the answer as in job.js. Asked to list, it
# answers with the parameters that its models know, a member of another after a dot.

import json
import sys

from huaweicloudsdkcore.auth.credentials import BasicCredentials, DerivedCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkiotda.v5 import (
    CreateMessageRequest,
    DeviceMessageRequest,
    IoTDAClient,
    PropertiesDTO,
    UserPropDTO,
)


def known():
    request = set(CreateMessageRequest.attribute_map.values()) - {"body"}
    message = set(DeviceMessageRequest.attribute_map.values()) - {"properties"}
    properties = {f"properties.{name}" for name in PropertiesDTO.attribute_map.values()}
    return sorted(request | message | properties)


def client_of(job):
    credentials = BasicCredentials(job["access_key_id"], job["access_key_secret"], job["project_id"])
    if "security_token" in job:
        credentials.with_security_token(job["security_token"])
    config = HttpConfig.get_default_config()
    config.ssl_ca_cert = job.get("ca_file")
    builder = IoTDAClient.new_builder().with_http_config(config).with_credentials(credentials)
    if job.get("derived"):
        credentials.with_derived_predicate(DerivedCredentials.get_default_derived_predicate())
        return builder.with_region(Region(job["region"], job["endpoint"])).build()
    return builder.with_endpoint(job["endpoint"]).build()


def message_of(body):
    properties = body.pop("properties", None)
    if properties:
        pairs = properties.pop("user_properties", None)
        if pairs:
            properties["user_properties"] = [UserPropDTO(**pair) for pair in pairs]
        body["properties"] = PropertiesDTO(**properties)
    return DeviceMessageRequest(**body)


def call(job):
    parameters = job["parameters"]
    parameters["body"] = message_of(parameters["body"])
    response = client_of(job).create_message(CreateMessageRequest(**parameters))
    return {
        "message_id": response.message_id,
        "status": response.result.status if response.result else "",
        "http_status": str(response.status_code),
    }


def main(path):
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    if job.get("list"):
        return {"known": known()}
    try:
        return {"reply": call(job)}
    except ServiceResponseException as error:
        return {"code": str(error.error_code), "message": f"{error.status_code} {error.error_msg}"}
    except Exception as error:  # pylint: disable=broad-except
        return {"code": type(error).__name__, "message": str(error)}


print(json.dumps(main(sys.argv[1])), flush=True)
