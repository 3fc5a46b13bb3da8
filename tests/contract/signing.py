"""Verify Signature Version 4 of a request with botocore's own signer."""

import datetime as dt
import re
from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.contract.errors import AwsError, known

# the keys of the fixture s3: boto3's default session keeps the first credentials that it sees
ACCESS_KEY = "key"
SECRET_KEY = "secret"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)
SKEW = dt.timedelta(minutes=15)


def signed_for(headers: Mapping[str, str]) -> str:
    """Tell the service of the credential scope."""
    match = AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
    if match is None:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    return match["service"]


def verify(method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Refuse a request whose key, date or signature is wrong."""
    match = AUTHORIZATION.fullmatch(headers["Authorization"])
    assert match is not None  # signed_for has read it
    if match["key"] != ACCESS_KEY:
        raise known("UnrecognizedClientException")
    stamp = headers.get("X-Amz-Date", "")
    if not _is_now(stamp) or not stamp.startswith(match["date"]):
        raise AwsError("InvalidSignatureException", f"Signature expired: {stamp} is not within 15 min. of now", 403)
    signed = {name: headers[name] for name in match["headers"].split(";")}
    request = AWSRequest(method=method, url=url, headers=signed, data=body)
    request.context["timestamp"] = stamp
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), match["service"], match["region"])
    canonical = signer.canonical_request(request)
    text = signer.string_to_sign(request, canonical)
    if signer.signature(text, request) != match["signature"]:
        raise AwsError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n"
            f"The Canonical String for this request should have been\n'{canonical}'\n\n"
            f"The String-to-Sign should have been\n'{text}'\n",
            403,
        )


def _is_now(stamp: str) -> bool:
    try:
        made = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return False
    return abs(dt.datetime.now(dt.UTC) - made) < SKEW
