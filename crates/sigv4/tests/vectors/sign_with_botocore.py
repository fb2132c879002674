"""Signs odd requests with botocore and prints them, for sigv4's tests to verify and to sign alike."""

import base64
import datetime
import json

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRq=="
NOW = datetime.datetime(2026, 2, 28, 23, 59, 59)
HOST = "https://kms.eu-central-1.amazonaws.com"
IAM = "https://iam.amazonaws.com"
STS = "https://sts.eu-central-1.amazonaws.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
LIST_USERS = b"Action=ListUsers&Version=2010-05-08&PathPrefix=%2Fstaff%2F"
WHO_AM_I = "Action=GetCallerIdentity&Version=2011-06-15"
JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.Encrypt"}

# name, method, URL, headers, body, session token, seconds that a presigned query lasts; botocore presigns no body
CASES = [
    ("kms call", "POST", HOST + "/", JSON, b'{"KeyId":"alias/a"}', None, None),
    ("kms call with a session token", "POST", HOST + "/", JSON, b"{}", TOKEN, None),
    ("empty body", "POST", HOST + "/", JSON, b"", None, None),
    ("binary body", "POST", HOST + "/", {}, bytes(range(256)), None, None),
    ("host with a port", "POST", "http://localhost:8765/", JSON, b"{}", None, None),
    ("path with encoded characters", "POST", HOST + "/a%20b/%E1%88%B4/x%2Fy/~tilde", {}, b"", None, None),
    ("path with reserved characters", "POST", HOST + "/a:b@c/d=e,f/(g)'h'*!", {}, b"", None, None),
    ("path to be normalised", "POST", HOST + "//kms/./xks/../v1///keys/", {}, b"", None, None),
    ("path above the root", "GET", HOST + "/../../a", {}, b"", None, None),
    ("query out of order", "GET", HOST + "/?b=2&a=2&a=1&B=3&a-b=4", {}, b"", None, None),
    ("query with empty values", "GET", HOST + "/?z=&a=&marker=", {}, b"", None, None),
    ("query with encoded characters", "GET", HOST + "/?a%20b=c%2Fd&e=%2B%26%3D&f=%E1%88%B4", {}, b"", None, None),
    ("header spaces", "POST", HOST + "/", {"X-Amz-Meta": "  a \t b   c  ", "My-Empty": ""}, b"{}", None, None),
    ("headers that are not signed", "POST", HOST + "/", {"User-Agent": "x", "X-Amzn-Trace-Id": "y"}, b"", None, None),
    ("stated body hash", "POST", HOST + "/", {"X-Amz-Content-SHA256": "SHA"}, b"body", None, None),
    ("http date in place of x-amz-date", "POST", HOST + "/", {"Date": "set by botocore"}, b"{}", None, None),
    ("authority of http 2", "POST", HOST + "/", {":authority": HOST.removeprefix("https://")}, b"{}", None, None),
    ("presigned", "POST", HOST + "/", JSON, b"", None, 60),
    ("presigned with a session token", "POST", HOST + "/", JSON, b"", TOKEN, 604800),
    ("iam call", "POST", IAM + "/", FORM, LIST_USERS, None, None),
    ("iam call with a session token", "POST", IAM + "/", FORM, LIST_USERS, TOKEN, None),
    ("sts call", "POST", STS + "/", FORM, WHO_AM_I.encode(), None, None),
    ("sts call with a session token", "POST", STS + "/", FORM, WHO_AM_I.encode(), TOKEN, None),
    ("presigned sts query", "GET", STS + "/?" + WHO_AM_I, {}, b"", None, 60),
    ("presigned sts query with a session token", "GET", STS + "/?" + WHO_AM_I, {}, b"", TOKEN, 60),
    ("presigned with a query", "GET", HOST + "/a%20b?x=1&Y=%2F&a=%20", {}, b"", None, 1),
]


class AuthorityAuth(botocore.auth.SigV4Auth):
    """Signs `:authority` in place of `host`, as a client of HTTP/2 may."""

    def headers_to_sign(self, request):
        headers = super().headers_to_sign(request)
        del headers["host"]
        return headers


def signed(name, method, url, headers, body, token, expires):
    headers = dict(headers)
    if headers.get("X-Amz-Content-SHA256") == "SHA":
        headers["X-Amz-Content-SHA256"] = botocore.auth.sha256(body).hexdigest()
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    credentials = Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY, token)
    service = {IAM: "iam", STS: "sts"}.get(url.partition("/?")[0].removesuffix("/"), "kms")
    region = "us-east-1" if service == "iam" else "eu-central-1"
    if expires is None:
        auth = AuthorityAuth if ":authority" in headers else botocore.auth.SigV4Auth
        auth(credentials, service, region).add_auth(request)
    else:
        botocore.auth.SigV4QueryAuth(credentials, service, region, expires=expires).add_auth(request)
    scheme, _, rest = request.url.partition("://")
    host, _, target = rest.partition("/")
    host_header = [] if ":authority" in headers else [["host", host]]
    return {
        "name": name,
        "service": service,
        "region": region,
        "method": method,
        "unsigned_target": "/" + url.partition("://")[2].partition("/")[2],
        "target": "/" + target,
        "unsigned_headers": host_header + [[k, v] for k, v in headers.items()],
        "headers": host_header + [[k, v] for k, v in request.headers.items()],
        "body": base64.b64encode(body).decode(),
        "session_token": token,
        "expires": expires,
    }


botocore.auth.get_current_datetime = lambda remove_tzinfo=True: NOW
print(json.dumps([signed(*case) for case in CASES], indent=1))
