"""The signer that TUF and in-toto use, securesystemslib's for AWS KMS, signs with keys of Cardea, and its own verifier accepts that."""

import sys

import boto3
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import AWSSigner, Signer, SSlibKey

PAYLOAD = b'{"_type": "root", "version": 1}'
SCHEMES = {
    "ECC_NIST_P256": ["ecdsa-sha2-nistp256"],
    "ECC_NIST_P384": ["ecdsa-sha2-nistp384"],
    **{
        spec: [f"rsassa-pss-sha{bits}" for bits in (256, 384, 512)]
        + [f"rsa-pkcs1v15-sha{bits}" for bits in (256, 384, 512)]
        for spec in ("RSA_2048", "RSA_3072", "RSA_4096")
    },
}


def main():
    kms = boto3.client("kms")
    for spec, schemes in SCHEMES.items():
        key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY", Description="TUF root")["KeyMetadata"]
        alias = f"alias/tuf-{key['KeyId']}"
        kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
        for name in (key["KeyId"], key["Arn"], alias):
            sign(name, schemes[0], None)
        for scheme in schemes:
            sign(key["KeyId"], scheme, scheme)


def sign(name, expected, scheme):
    """By the way of a repository: import the key, store its URI and public half, and sign with what was stored."""
    uri, key = AWSSigner.import_(name, scheme)
    assert key.scheme == expected, (key.scheme, expected)
    stored = SSlibKey.from_dict(key.keyid, key.to_dict())
    signature = Signer.from_priv_key_uri(uri, stored).sign(PAYLOAD)
    stored.verify_signature(signature, PAYLOAD)
    try:
        stored.verify_signature(signature, PAYLOAD + b" ")
    except UnverifiedSignatureError:
        print("signed:", name, key.scheme)
    else:
        sys.exit("a signature of something else was accepted")


if __name__ == "__main__":
    main()
