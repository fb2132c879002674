"""Temporary credentials with an unmodified boto3. Arguments: the ARN of a role, a file with a web identity token."""

import json
import os
import sys

import boto3
import botocore.exceptions

role, token_file = sys.argv[1:]


def session_of(credentials):
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


sts = boto3.client("sts")
who = sts.get_caller_identity()
assert who["Arn"].endswith(":user/nile"), who
assert sts.get_access_key_info(AccessKeyId=os.environ["AWS_ACCESS_KEY_ID"])["Account"] == who["Account"]

assumed = sts.assume_role(
    RoleArn=role,
    RoleSessionName="boto3",
    DurationSeconds=900,
    ExternalId="handshake",
    SourceIdentity="nile",
    Tags=[{"Key": "team", "Value": "red"}],
    TransitiveTagKeys=["team"],
    Policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["kms:*", "sts:*"], "Resource": "*"}]}
    ),
)
assert assumed["SourceIdentity"] == "nile", assumed
assert 0 < assumed["PackedPolicySize"] < 20, assumed
assert assumed["Credentials"]["Expiration"].tzinfo is not None
session = session_of(assumed["Credentials"])
assert session.client("sts").get_caller_identity()["Arn"] == assumed["AssumedRoleUser"]["Arn"]
session.client("kms").list_keys()

user_session = session_of(sts.get_session_token(DurationSeconds=900)["Credentials"])
assert user_session.client("sts").get_caller_identity()["UserId"] == who["UserId"]
try:
    user_session.client("iam").list_users()
    raise AssertionError("a user's session called IAM")
except botocore.exceptions.ClientError as error:
    assert error.response["Error"]["Code"] == "InvalidClientTokenId", error

try:
    boto3.client("kms").create_key()
    raise AssertionError("nile made a key")
except botocore.exceptions.ClientError as error:
    message = error.response["Error"]["Message"]
    encoded = message.rsplit("Encoded authorization failure message: ", 1)[1]
    explained = json.loads(sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert explained["allowed"] is False, explained

web = sts.assume_role_with_web_identity(
    RoleArn=role, RoleSessionName="boto3", WebIdentityToken=open(token_file).read()
)
assert web["SubjectFromWebIdentityToken"] == "repo:octo/app", web
try:
    sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="boto3", WebIdentityToken="no token")
    raise AssertionError("no token was accepted")
except sts.exceptions.InvalidIdentityTokenException:
    pass

for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
    del os.environ[name]
os.environ.update(AWS_WEB_IDENTITY_TOKEN_FILE=token_file, AWS_ROLE_ARN=role, AWS_ROLE_SESSION_NAME="by-itself")
by_itself = boto3.Session().client("sts").get_caller_identity()
assert by_itself["Arn"].endswith("/by-itself"), by_itself
print("done")
