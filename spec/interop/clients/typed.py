# One call with a typed SDK of Alibaba Cloud, the job and the answer as in job.js: the package is named after product
# and version, the request class and the method after the action. Asked to list, it answers with the parameters that
# the request class knows.

import importlib
import json
import sys
from urllib.parse import urlsplit

from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions


def known_to(request_class):
    request = request_class()
    for name in vars(request):
        setattr(request, name, [])
    return sorted(request.to_map())


def text_of(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def call(job, package, request_class):
    unknown = set(job["parameters"]) - set(known_to(request_class))
    if unknown:
        raise ValueError(f"the SDK does not know {sorted(unknown)}")
    url = urlsplit(job["endpoint"])
    client = importlib.import_module(package + ".client").Client(Config(
        protocol=url.scheme,
        endpoint=url.netloc,
        access_key_id=job["access_key_id"],
        access_key_secret=job["access_key_secret"],
        security_token=job.get("security_token"),
        signature_algorithm="v2" if job["signature"] == "v1" else None,
    ))
    wanted = job["action"].lower() + "withoptions"
    method = next(name for name in dir(client) if name.replace("_", "") == wanted)
    request = request_class().from_map(job["parameters"])
    response = getattr(client, method)(request, RuntimeOptions(ca=job.get("ca_file")))
    return {name: text_of(value) for name, value in response.body.to_map().items()}


def main(path):
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    package = f"alibabacloud_{job['product'].lower()}{job['version'].replace('-', '')}"
    models = importlib.import_module(package + ".models")
    request_class = getattr(models, job["action"] + "Request")
    if job.get("list"):
        return {"known": known_to(request_class)}
    try:
        return {"reply": call(job, package, request_class)}
    except Exception as error:  # pylint: disable=broad-except
        code = getattr(error, "code", None) or type(error).__name__
        return {"code": str(code), "message": str(error)}


print(json.dumps(main(sys.argv[1])), flush=True)
